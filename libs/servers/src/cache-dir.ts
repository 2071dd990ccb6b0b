import { homedir } from "node:os";
import { join } from "node:path";
import { environment } from "./process/environment.js";

/** Where obtained programs are kept: FIELDLOG_CACHE_DIR, else `fieldlog` in the user's cache folder. */
export function defaultCacheDir(env = environment()): string {
  if (env["FIELDLOG_CACHE_DIR"]) return env["FIELDLOG_CACHE_DIR"];
  return join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "fieldlog");
}
