import { randomBytes } from "node:crypto";
import { open, rename, rm, stat } from "node:fs/promises";
import { CliError } from "../cli-error.js";

/** See {@link World.save}. Written beside it and then renamed, so that a file under that name is always whole. */
export async function saveFile(
  path: string,
  content: AsyncIterable<Uint8Array>,
  replace: boolean,
): Promise<void> {
  if (!replace && (await isThere(path))) {
    throw new CliError(`${path} is there already`, {
      hint: "Replace it with --force, or give another --output.",
    });
  }
  const beside = `${path}.${randomBytes(4).toString("hex")}.part`;
  try {
    const file = await open(beside, "wx");
    try {
      for await (const chunk of content) await file.writeFile(chunk);
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (cause) {
    await rm(beside, { force: true });
    if (cause instanceof CliError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new CliError(`${path} cannot be written: ${code ?? message}`, { cause });
  }
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
