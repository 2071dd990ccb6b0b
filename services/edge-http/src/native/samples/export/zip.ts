import { NoSuchObject } from "@fieldlog/objects";
import { makeZip } from "client-zip";
import { begun } from "../../../uploads/send-content.js";
import type { Contents, ReadableSample } from "../contents.js";
import { sampleJson } from "../sample-json.js";

interface Entry {
  readonly name: string;
  readonly lastModified: Date;
  readonly input: AsyncIterable<Uint8Array>;
}

/** Samples of which is told in one list. */
const LISTED = 1_000;

/**
 * The samples' files, `<category>/<label>/<number>-<file name>`, and behind each 1,000 of them a list: `samples.jsonl`,
 * `samples.2.jsonl` and so on, with a line of JSON for each sample. Nothing is held but a few bytes of the file under way, that
 * list, and names. Files are not compressed.
 */
export function zipOf(contents: Contents, samples: AsyncIterable<ReadableSample>): AsyncIterable<Uint8Array> {
  return makeZip(entries(contents, samples)) as unknown as AsyncIterable<Uint8Array>;
}

async function* entries(
  contents: Contents,
  samples: AsyncIterable<ReadableSample>,
): AsyncGenerator<Entry, void> {
  let lines: string[] = [];
  let lists = 0;
  const list = () => {
    const name = ++lists === 1 ? "samples.jsonl" : `samples.${lists}.jsonl`;
    const entry = { name, lastModified: new Date(), input: inPieces(lines) };
    lines = [];
    return entry;
  };
  for await (const found of samples) {
    const files = filesOf(found);
    const lastModified = new Date(Number(found.sample.storedAt));
    let isThere = true;
    for (const { name, from, to } of files) {
      // One that is removed just now is left out; what breaks off later breaks the whole off.
      const input = await begun(contents.content(found, { from, to })).catch(unlessGone);
      if (input === undefined) isThere = false;
      else yield { name, lastModified, input };
    }
    if (!isThere) continue;
    const names = files.map(({ name }) => name);
    lines.push(`${JSON.stringify({ files: names, ...sampleJson(found.sample) })}\n`);
    if (lines.length === LISTED) yield list();
  }
  if (lines.length > 0 || lists === 0) yield list();
}

async function* inPieces(lines: readonly string[]): AsyncGenerator<Uint8Array, void> {
  for (const line of lines) yield Buffer.from(line);
}

/** One for each attachment; without any, one. */
function filesOf({ sample, about, stored }: ReadableSample): { name: string; from: number; to: number }[] {
  const folder = `${about.category}/${pieceOf(about.label) || "_"}`;
  const name = `${folder}/${sample.number}-${pieceOf(about.fileName) || "sample"}`;
  if (about.attachments.length === 0) return [{ name, from: 0, to: Number(stored.bytes) }];
  let at = 0;
  return about.attachments.map((file, index) => {
    const from = at;
    at += Number(file.bytes);
    const own = index === 0 ? name : `${name}.${index}-${pieceOf(file.name) || "file"}`;
    return { name: own, from, to: at };
  });
}

/** A text as one piece of a path, on any system. */
function pieceOf(text: string): string {
  const plain = text.replaceAll(/[\p{Cc}/\\:*?"<>|]/gu, "_").replaceAll(/^\.+|[. ]+$/g, "_");
  return plain.toWellFormed().slice(0, 120);
}

function unlessGone(error: unknown): undefined {
  if (error instanceof NoSuchObject) return undefined;
  throw error;
}
