import type { IncomingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Busboy, type BusboyHeaders, type BusboyInstance } from "@fastify/busboy";
import { limits } from "@fieldlog/contracts";
import { Refusal, refusals } from "../studio/refusal.js";

/** One part of a multipart/form-data body. */
export interface FilePart {
  /** Of the form's field. */
  readonly field: string;
  /** Without folders; empty: none was given. */
  readonly fileName: string;
  readonly mediaType: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

const HEADERS = 32;
const HEADER_BYTES = 4 * 1024;
const FIELD_NAME = 100;

/**
 * The parts of a multipart/form-data body (RFC 7578) as they come, each of which has to be read before the next is asked
 * for. What `body` raises is raised by who reads. Raises Refusal 400: malformed, or of too many parts.
 */
export async function* partsIn(
  headers: IncomingHttpHeaders,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<FilePart, void> {
  const parser = parserOf(headers);
  const arrived: { part: FilePart; file: Readable }[] = [];
  let failure: unknown;
  let ended = false;
  let wake: (() => void) | undefined;
  let open: Readable | undefined;
  parser.on("file", (field, file, fileName, _encoding, mediaType) => {
    file.on("error", () => undefined);
    const chunks = readBy(file, () => failure);
    arrived.push({ part: { field, fileName: fileName ?? "", mediaType, chunks }, file });
    wake?.();
  });
  const tooMany = () => {
    failure ??= refusals.invalid(`There are more than ${limits.samplesPerRequest} files in this body.`);
    parser.destroy(failure as Error);
  };
  parser.once("filesLimit", tooMany).once("partsLimit", tooMany);
  const parsed = pipeline(Readable.from(body, { objectMode: false }), parser)
    .catch((error: unknown) => {
      failure ??= foreseen(error);
      // Nobody else tells the files' readers that no more will come.
      for (const file of [open, ...arrived.map((one) => one.file)]) file?.destroy(failure as Error);
    })
    .finally(() => {
      ended = true;
      wake?.();
    });
  try {
    for (;;) {
      const next = arrived.shift();
      if (next !== undefined) {
        open = next.file;
        yield next.part;
        open = undefined;
        next.file.resume();
      } else if (failure !== undefined) throw failure;
      else if (ended) return;
      else {
        const moved = Promise.withResolvers<void>();
        wake = moved.resolve;
        await moved.promise;
      }
    }
  } finally {
    if (!ended) parser.destroy();
    await parsed;
  }
}

async function* readBy(file: Readable, failure: () => unknown): AsyncGenerator<Uint8Array, void> {
  try {
    yield* file as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw failure() ?? foreseen(error);
  }
  if (failure() !== undefined) throw failure();
}

function parserOf(headers: IncomingHttpHeaders): BusboyInstance {
  try {
    return new Busboy({
      headers: headers as BusboyHeaders,
      limits: {
        ...{ files: limits.samplesPerRequest, parts: limits.samplesPerRequest, fields: 0 },
        ...{ fieldNameSize: FIELD_NAME, headerPairs: HEADERS, headerSize: HEADER_BYTES },
      },
      // Whatever it is called: what it is, is seen from what is in it.
      isPartAFile: () => true,
    });
  } catch (error) {
    throw foreseen(error);
  }
}

/** What the body's reader raised as it is; what the parser raised as the sender's fault. */
function foreseen(error: unknown): unknown {
  const { name, message } = error as Error;
  if (error instanceof Refusal || name === "Problem" || name === "CutOff") return error;
  return refusals.invalid(`The multipart body cannot be read: ${message}.`);
}
