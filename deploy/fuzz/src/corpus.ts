import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../corpus/", import.meta.url));
/** Inputs of one target, and bytes of one, that are kept in the repository. */
const MOST = 16;
const MOST_BYTES = 384;

/** Inputs that were found to reach what the seeds do not. A line of the file is one, as a JSON text: a character a byte. */
export async function corpusOf(target: string): Promise<Uint8Array[]> {
  let lines: string;
  try {
    lines = await readFile(fileOf(target), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => Buffer.from(JSON.parse(line) as string, "latin1"));
}

/** The shortest of them. */
export async function keepCorpus(target: string, inputs: readonly Uint8Array[]): Promise<number> {
  const short = inputs.filter(({ length }) => length <= MOST_BYTES).sort((a, b) => a.length - b.length);
  const lines = new Set(short.map(lineOf));
  const kept = [...lines].slice(0, MOST);
  if (kept.length === 0) return 0;
  await mkdir(dirname(fileOf(target)), { recursive: true });
  await writeFile(fileOf(target), `${kept.join("\n")}\n`);
  return kept.length;
}

function lineOf(input: Uint8Array): string {
  return JSON.stringify(Buffer.from(input).toString("latin1")).replaceAll(
    /[\x7f-\xff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const fileOf = (target: string): string => join(FOLDER, `${target.replaceAll("/", "-")}.txt`);
