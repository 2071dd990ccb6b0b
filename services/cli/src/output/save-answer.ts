import { createHash } from "node:crypto";
import { basename } from "node:path";
import { CliError } from "../cli-error.js";
import type { World } from "../world.js";
import { Progress } from "./progress.js";
import { clean, count, type Paint } from "./text.js";

/** What was saved. */
export interface SavedAnswer {
  readonly file: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

export interface SaveOptions {
  /** Where to; undefined: under the name that the server gives. */
  readonly output: string | undefined;
  /** The name if the server gives none. */
  readonly otherwise: string;
  /** Whether a file that is there is replaced. */
  readonly force: boolean;
}

/** Saves an answer as it comes, with a progress bar where it says how long it is. Raises CliError: broken off, or not what was stored. */
export async function saveAnswer(
  world: World,
  response: Response,
  { output, otherwise, force }: SaveOptions,
): Promise<SavedAnswer> {
  const file = output ?? nameIn(response.headers, otherwise);
  const hash = createHash("sha256");
  let bytes = 0;
  const total = Number(response.headers.get("content-length") ?? 0);
  const progress = new Progress(world, clean(file, 40), "bytes");
  async function* watched() {
    for await (const chunk of wholeOf(response)) {
      bytes += chunk.length;
      hash.update(chunk);
      if (total > 0) progress.show(bytes, total);
      yield chunk;
    }
    const expected = /^"([0-9a-f]{64})"$/.exec(response.headers.get("etag") ?? "")?.[1];
    if (expected !== undefined && hash.copy().digest("hex") !== expected) {
      throw new CliError("what came is not what was stored", { hint: "Download it again." });
    }
  }
  try {
    await world.save(file, watched(), force);
  } finally {
    progress.end();
  }
  return { file, bytes, sha256: hash.digest("hex") };
}

export function savedText({ file, bytes }: SavedAnswer, paint: Paint): string {
  return `${paint("green", "Saved")} ${clean(file)}, ${count(bytes)} bytes.\n`;
}

async function* wholeOf({ body }: Response): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body ?? [];
  } catch (cause) {
    throw new CliError("the server broke off in the middle", { hint: "Download it again.", cause });
  }
}

/** The name in Content-Disposition, without any folder that it might lead to. */
function nameIn(headers: { get(name: string): string | null }, otherwise: string): string {
  const [, given = ""] = /filename="([^"]*)"/.exec(headers.get("content-disposition") ?? "") ?? [];
  const name = basename(clean(given).replaceAll("\\", "/"));
  return /^\.*$/.test(name) ? otherwise : name;
}
