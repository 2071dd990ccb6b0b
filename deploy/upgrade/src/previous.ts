import { execFile } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const BUFFER = 64 * 1024 * 1024;

/** There is no such commit here; tells what to do. */
export class NoSuchCommit extends Error {
  override readonly name = "NoSuchCommit";
}

/** The id of a commit that a person named; raises NoSuchCommit. */
export async function commitNamed(root: string, name: string): Promise<string> {
  try {
    const { stdout } = await run("git", ["rev-parse", "--verify", "--quiet", `${name}^{commit}`], {
      cwd: root,
    });
    return stdout.trim();
  } catch (cause) {
    throw new NoSuchCommit(
      `this checkout has no commit ${name}. A shallow one gets the others by: git fetch --unshallow`,
      { cause },
    );
  }
}

/** The commit's files in a folder, with the packages that its lockfile names. */
export async function checkOut(root: string, commit: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const archive = `${folder}.tar`;
  await run("git", ["archive", "--output", archive, commit], { cwd: root });
  await run("tar", ["-xf", archive, "-C", folder]);
  const { packageManager } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
    packageManager: string;
  };
  // Nothing is built: what is in the packages is bundled as it is. Development dependencies too: some versions of liveness
  // ran on one of them.
  const flags = ["--frozen-lockfile", "--prefer-offline", "--ignore-scripts"];
  await run("npx", ["--yes", packageManager, "install", ...flags], { cwd: folder, maxBuffer: BUFFER });
}
