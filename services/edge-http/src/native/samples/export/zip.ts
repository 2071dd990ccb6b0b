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

/** What is known of the samples, a line of JSON for each. */
const MANIFEST = "samples.jsonl";

/**
 * The samples' files, `<category>/<label>/<number>-<file name>`, and then {@link MANIFEST}. Nothing is held but a few bytes of the
 * file under way, and a line of the manifest for each sample. Files are not compressed.
 */
export function zipOf(contents: Contents, samples: AsyncIterable<ReadableSample>): AsyncIterable<Uint8Array> {
  return makeZip(entries(contents, samples)) as unknown as AsyncIterable<Uint8Array>;
}

async function* entries(
  contents: Contents,
  samples: AsyncIterable<ReadableSample>,
): AsyncGenerator<Entry, void> {
  const lines: string[] = [];
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
  }
  yield { name: MANIFEST, lastModified: new Date(), input: inPieces(lines) };
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
