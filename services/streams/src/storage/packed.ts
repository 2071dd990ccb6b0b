import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { limits } from "@fieldlog/contracts";
import {
  CannotDecrypt,
  contentOf,
  NoSuchObject,
  type ObjectStore,
  streamUploadFolder,
  wholeOf,
} from "@fieldlog/objects";
import type { PartRow } from "../sorting/tables.js";

/** Bytes to which whatever was packed may be unpacked, and how many more each byte that came may become. */
const UNPACKED_BYTES = 1024 * 1024;
const UNPACKED_TIMES = 1_000;

/** What cannot be unpacked, is too large once it is, or never came. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
}

type Packed = Pick<PartRow, "namespace" | "device" | "payload" | "encoding" | "external">;

/**
 * The parts of a message one after the other, unpacked. Raises {@link Unreadable}, ObjectsUnavailable.
 *
 * @param store of the device, for what it uploaded because a message does not hold it
 */
export async function* unpacked(
  parts: Iterable<Packed> | AsyncIterable<Packed>,
  store: Pick<ObjectStore, "get">,
): AsyncGenerator<Uint8Array, void> {
  let came = 0;
  let bytes = 0;
  async function* counted(packed: AsyncIterable<Uint8Array>) {
    for await (const chunk of packed) {
      came += chunk.length;
      yield chunk;
    }
  }
  for await (const part of parts) {
    const packed = counted(packedOf(part, store));
    for await (const chunk of part.encoding === "br" ? brotli(packed) : packed) {
      bytes += chunk.length;
      if (bytes > limits.streamMessageBytes) throw new Unreadable("it is too large");
      if (bytes > UNPACKED_BYTES + UNPACKED_TIMES * came)
        throw new Unreadable("it is too large for what came");
      if (chunk.length > 0) yield chunk;
    }
  }
}

async function* packedOf(
  { namespace, device, external, payload }: Packed,
  store: Pick<ObjectStore, "get">,
): AsyncGenerator<Uint8Array, void> {
  if (external === "") {
    if (payload !== null) yield payload;
    return;
  }
  try {
    const { parts, bytes } = await wholeOf(store, streamUploadFolder(namespace, device, external));
    yield* contentOf(store, parts, { from: 0, to: bytes });
  } catch (cause) {
    if (cause instanceof NoSuchObject) throw new Unreadable("it was not uploaded", { cause });
    // It was uploaded before the namespace was cleared, under a key that is gone.
    if (cause instanceof CannotDecrypt) throw new Unreadable("it cannot be decrypted", { cause });
    throw cause;
  }
}

async function* brotli(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let failure: unknown;
  async function* source() {
    try {
      yield* packed;
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  const stream = createBrotliDecompress();
  // What it raises, the stream raises as well.
  const piped = pipeline(Readable.from(source(), { objectMode: false }), stream).catch(() => undefined);
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (cause) {
    throw failure ?? new Unreadable("it is not brotli", { cause });
  } finally {
    stream.destroy();
    await piped;
  }
}
