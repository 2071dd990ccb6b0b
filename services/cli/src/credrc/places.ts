import { join } from "node:path";

/** What decides where a person's files are. */
export interface Whereabouts {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly home: string;
  readonly platform: NodeJS.Platform;
}

const APP = "cred-server";
const AUTHOR = "cred";
const FILE = "credrc";

/** Where cred's own server looks for its configuration, in its order: Python's appdirs names the folders (B9). */
export function credrcPlaces({ env, cwd, home, platform }: Whereabouts): string[] {
  const [user, site] = dataFolders(env, home, platform);
  return [join(cwd, FILE), join(home, `.${FILE}`), join(user, FILE), join(site, FILE)];
}

function dataFolders(env: NodeJS.ProcessEnv, home: string, platform: NodeJS.Platform): [string, string] {
  if (platform === "darwin") {
    return [join(home, "Library", "Application Support", APP), join("/Library/Application Support", APP)];
  }
  if (platform === "win32") {
    const local = env["LOCALAPPDATA"] ?? join(home, "AppData", "Local");
    return [join(local, AUTHOR, APP), join(env["PROGRAMDATA"] ?? "C:\\ProgramData", AUTHOR, APP)];
  }
  const [site = ""] = (env["XDG_DATA_DIRS"] || "/usr/local/share").split(":");
  return [join(env["XDG_DATA_HOME"] || join(home, ".local", "share"), APP), join(site, APP)];
}
