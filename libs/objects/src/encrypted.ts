import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { inChunks } from "./chunks.js";
import { Measured } from "./measured.js";
import type { ObjectStore, PutObject, Range } from "./object-store.js";
import { nameInPack, placeIn } from "./pack.js";

/** Plain bytes of one chunk; an object's last one is shorter, if need be empty. Storage format: not to be changed. */
export const CHUNK_BYTES = 64 * 1024;
const NONCE = 12;
const TAG = 16;
/** What a chunk takes more than it holds. */
export const OVERHEAD_BYTES = NONCE + TAG;
const STORED = CHUNK_BYTES + OVERHEAD_BYTES;
const KEY = 32;
const CIPHER = "aes-256-gcm";

/** Objects whose names end so are not encrypted by us, so that the storage itself can give them away. */
export const PLAIN = ".plain";

/** What is stored under the name was encrypted with another key, was changed, or was cut off. */
export class CannotDecrypt extends Error {
  override readonly name = "CannotDecrypt";
  constructor(
    readonly object: string,
    options?: ErrorOptions,
  ) {
    super(`the object ${object} is not what was stored, or its key is another`, options);
  }
}

/**
 * The same store for objects that are encrypted with `dataKey` (32 bytes, else RangeError). Sizes, hashes and ranges are
 * those of what was put. Reading raises {@link CannotDecrypt} before it
 * gives a byte that was not encrypted with this key for this name at this place, and where the end is missing.
 *
 * Stored is, for each 64 KiB: nonce (12 bytes), ciphertext, tag (16 bytes) of AES-256-GCM (NIST SP 800-38D), with the
 * chunk's index as additional data. Each name has a key of its own, by HKDF (RFC 5869) from `dataKey`.
 * What ends with {@link PLAIN} is stored as it is. What {@link sealInto} put into a pack is read by the name it got.
 */
export function encrypted(store: ObjectStore, dataKey: Uint8Array): ObjectStore {
  if (dataKey.length !== KEY) throw new RangeError(`a data key has ${KEY} bytes, not ${dataKey.length}`);
  return {
    async put(name: string, content: AsyncIterable<Uint8Array>): Promise<PutObject> {
      if (name.endsWith(PLAIN)) return await store.put(name, content);
      const plain = new Measured(content);
      await store.put(name, sealed(plain, keyOf(dataKey, name)));
      return plain.result();
    },
    get: (name: string, range?: Range) =>
      name.endsWith(PLAIN) ? store.get(name, range) : opened(store, dataKey, name, range),
    list: (prefix: string, before?: number) => store.list(prefix, before),
    delete: (name: string) => store.delete(name),
    deleteAll: (prefix: string) => store.deleteAll(prefix),
  };
}

async function* sealed(plain: AsyncIterable<Uint8Array>, key: KeyObject): AsyncGenerator<Uint8Array, void> {
  let index = 0;
  for await (const chunk of inChunks(plain, CHUNK_BYTES)) yield sealChunk(chunk, key, index++);
}

function sealChunk(chunk: Uint8Array, key: KeyObject, index: number): Buffer {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(placeOf(index));
  return Buffer.concat([nonce, cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
}

/**
 * One of several contents that lie in one object, each encrypted with a key of its own, as {@link encrypted} does it. Opens
 * with `dataKey` (32 bytes), in this pack, at this place.
 *
 * @param from the byte of the pack at which it will lie
 * @returns what is to be put there, and the name by which it is read
 */
export function sealInto(
  pack: string,
  from: number,
  plain: Uint8Array,
  dataKey: Uint8Array,
): { readonly name: string; readonly stored: Buffer } {
  const chunks = Math.floor(plain.length / CHUNK_BYTES) + 1;
  const name = nameInPack(pack, from, plain.length + chunks * OVERHEAD_BYTES);
  const key = keyOf(dataKey, name);
  const stored = Array.from({ length: chunks }, (_, index) =>
    sealChunk(plain.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES), key, index),
  );
  return { name, stored: Buffer.concat(stored) };
}

async function* opened(
  store: ObjectStore,
  dataKey: Uint8Array,
  name: string,
  { from, to }: Range = { from: 0, to: Number.POSITIVE_INFINITY },
): AsyncGenerator<Uint8Array, void> {
  const first = Math.floor(from / CHUNK_BYTES);
  const end = Math.ceil(to / CHUNK_BYTES);
  const place = placeIn(name);
  const stored = store.get(place.object, {
    from: place.from + first * STORED,
    to: Math.min(place.to, place.from + end * STORED),
  });
  const key = keyOf(dataKey, name);
  let index = first;
  for await (const chunk of inChunks(stored, STORED)) {
    // All that was asked for came, and the object goes on behind it.
    if (chunk.length === 0 && index === end) return;
    const plain = openChunk(chunk, key, index, name);
    const begin = index++ * CHUNK_BYTES;
    const part = plain.subarray(Math.max(0, from - begin), Math.max(0, to - begin));
    if (part.length > 0) yield part;
  }
}

function openChunk(chunk: Uint8Array, key: KeyObject, index: number, name: string): Uint8Array {
  // Every object ends with a chunk; where there is none, its end was cut off.
  if (chunk.length < OVERHEAD_BYTES) throw new CannotDecrypt(name);
  const decipher = createDecipheriv(CIPHER, key, chunk.subarray(0, NONCE), { authTagLength: TAG })
    .setAAD(placeOf(index))
    .setAuthTag(chunk.subarray(-TAG));
  const plain = decipher.update(chunk.subarray(NONCE, -TAG));
  try {
    decipher.final();
  } catch (error) {
    throw new CannotDecrypt(name, { cause: error });
  }
  return plain;
}

/** Keys as objects: with bytes in their place Node takes three times as long, to find out that they are bytes. */
function keyOf(dataKey: Uint8Array, name: string): KeyObject {
  const bytes = hkdfSync("sha256", createSecretKey(dataKey), "", `fieldlog/object/${name}`, KEY);
  return createSecretKey(new Uint8Array(bytes));
}

function placeOf(index: number): Uint8Array {
  const place = Buffer.alloc(8);
  place.writeBigUInt64BE(BigInt(index));
  return place;
}
