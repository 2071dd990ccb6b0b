import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { run } from "../../process/run.js";
import type { Found, ObtainContext } from "./found.js";

/** The first usable nats-server in these folders (a PATH). */
export async function fromPath(searchPath: string, { oldest }: ObtainContext): Promise<Found> {
  let reason = "none on the PATH";
  for (const folder of searchPath.split(delimiter).filter(Boolean)) {
    const path = join(folder, "nats-server");
    if (!(await isExecutable(path))) continue;
    const problem = await problemWith(path, oldest);
    if (!problem) return { path };
    reason = `${path}: ${problem}`;
  }
  return { reason };
}

/** The one that an earlier run obtained, if it still works on this machine. */
export async function fromCache({ target, oldest }: ObtainContext): Promise<Found> {
  if (!(await isExecutable(target))) return { reason: `none kept in ${target}` };
  const problem = await problemWith(target, oldest);
  return problem ? { reason: `${target}: ${problem}` } : { path: target };
}

/** Why this program cannot be used: it does not run here, or it is too old. */
export async function problemWith(
  path: string,
  oldest: ObtainContext["oldest"],
): Promise<string | undefined> {
  const said = await run(path, ["--version"], { timeoutMs: 20_000 }).catch((error: Error) => error);
  if (said instanceof Error) return `does not run (${said.message})`;
  const version = /v(\d+)\.(\d+)\.\S+/.exec(said);
  if (!version) return `says no version: ${said.trim()}`;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  const recent = major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
  return recent ? undefined : `${version[0]} is older than ${oldest.join(".")}`;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
