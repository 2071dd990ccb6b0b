import type { IncomingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Busboy, type BusboyHeaders, type BusboyInstance } from "@fastify/busboy";
import { Problem } from "../native/problem.js";

/** What is sent, as its sender describes it. */
export interface Content {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** As given; empty: not. */
  readonly mediaType: string;
}

/** Bytes around the file: what its sender may spend on boundaries, headers and fields that nobody reads. */
export const AROUND_BYTES = 64 * 1024;
const FIELDS = 16;
const FIELD_BYTES = 4 * 1024;
const HEADERS = 32;
/** The part that CSN's clients send (A9). */
const PAYLOAD = "payload";

export function isMultipart({ "content-type": type = "" }: IncomingHttpHeaders): boolean {
  return /^multipart\/form-data\s*;/i.test(type);
}

/**
 * The first file in a multipart/form-data body (RFC 7578), which is not whole before all of the body was read. What
 * `body` raises is raised by who reads. Raises Problem 400: malformed, or without a file.
 */
export async function fileIn(
  headers: IncomingHttpHeaders,
  body: AsyncIterable<Uint8Array>,
): Promise<Content> {
  const parser = parserOf(headers);
  const found = Promise.withResolvers<{ file: Readable; mediaType: string }>();
  parser.once("file", (_field, file, _name, _encoding, mediaType) => found.resolve({ file, mediaType }));
  let failure: unknown;
  const parsed = pipeline(Readable.from(body, { objectMode: false }), parser).catch((error: unknown) => {
    failure = foreseen(error);
  });
  void parsed
    .then(async () => {
      found.reject(failure ?? new Problem(400, "There is no file in this body."));
      // Nobody else tells the file's reader that no more will come.
      const { file } = await found.promise;
      if (failure !== undefined) file.destroy(failure as Error);
    }, undefined)
    .catch(() => undefined);
  const { file, mediaType } = await found.promise;
  file.on("error", () => undefined);
  return { chunks: whole(file), mediaType };

  async function* whole(file: Readable): AsyncGenerator<Uint8Array, void> {
    try {
      yield* file as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw failure ?? foreseen(error);
    } finally {
      // Whether all was read or not: of an unread body the parser would wait for more.
      if (!file.readableEnded) parser.destroy();
      await parsed;
    }
    if (failure !== undefined) throw failure;
  }
}

function parserOf(headers: IncomingHttpHeaders): BusboyInstance {
  try {
    return new Busboy({
      headers: headers as BusboyHeaders,
      limits: {
        ...{ files: 1, fields: FIELDS, parts: FIELDS + 1, fieldSize: FIELD_BYTES },
        ...{ fieldNameSize: 100, headerPairs: HEADERS, headerSize: FIELD_BYTES },
      },
      isPartAFile: (field, type, name) =>
        field === PAYLOAD || name !== undefined || type === "application/octet-stream",
    });
  } catch (error) {
    throw foreseen(error);
  }
}

/** What the body's reader raised as it is; what the parser raised as the sender's fault. */
function foreseen(error: unknown): unknown {
  const { name, message } = error as Error;
  if (name === "Problem" || name === "CutOff") return error;
  return new Problem(400, `The multipart body cannot be read: ${message}.`);
}
