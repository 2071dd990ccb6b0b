import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** The file of the simulator's state is there but not readable: it is not overwritten, as it holds secrets. */
export class StateError extends Error {
  override readonly name = "StateError";
  constructor(
    readonly file: string,
    reason: string,
  ) {
    super(`${file} is not the simulator's state (${reason}); remove it to begin anew`);
  }
}

/** What the file holds, not checked; undefined when there is none. Raises StateError when it is no JSON object. */
export async function readState(file: string): Promise<Record<string, unknown> | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return undefined;
  }
  try {
    return { ...(JSON.parse(text) as Record<string, unknown>) };
  } catch (error) {
    throw new StateError(file, (error as Error).message);
  }
}

/** Writes the file (mode 0600) in one step and to the disk. */
export async function writeState(file: string, contents: object): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const beside = `${file}.new`;
  const handle = await open(beside, "w", 0o600);
  try {
    await handle.writeFile(JSON.stringify(contents));
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(beside, file);
}
