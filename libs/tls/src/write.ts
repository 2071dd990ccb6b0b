import { randomBytes } from "node:crypto";
import { link, open, readFile, rename, rm } from "node:fs/promises";

/** Writes a file in one step: a reader sees the old text or the new one, whole. The last writer's stays. */
export async function replace(file: string, text: string, mode: number): Promise<void> {
  const beside = await written(file, text, mode);
  await rename(beside, file);
}

/**
 * Writes a file of mode 0600 in one step, unless there is one that is good (`keeps`): of several
 * writers at once the first one's stays.
 */
export async function create(file: string, text: string, keeps: (present: string) => boolean): Promise<void> {
  const beside = await written(file, text, 0o600);
  try {
    await link(beside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if (!keeps(await readFile(file, "utf8"))) await rename(beside, file);
  } finally {
    await rm(beside, { force: true });
  }
}

/** The text on the disk under another name in the same folder. */
async function written(file: string, text: string, mode: number): Promise<string> {
  const beside = `${file}.${randomBytes(6).toString("hex")}`;
  const handle = await open(beside, "wx", mode);
  try {
    await handle.writeFile(text);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  return beside;
}
