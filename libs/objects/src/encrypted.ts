import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { Measured } from "./measured.js";
import { type ObjectStore, ObjectsUnavailable, type PutObject, type Range } from "./object-store.js";

const KEY_BYTES = 32;
const SALT_BYTES = 16;
const TAG_BYTES = 16;
/** Plain bytes of one chunk. Storage format: not to be changed. */
export const CHUNK_BYTES = 64 * 1024;
const SEALED_BYTES = CHUNK_BYTES + TAG_BYTES;

/** A chunk is not what was stored under this name with this key. */
export class CannotDecrypt extends Error {
  override readonly name = "CannotDecrypt";
  constructor(readonly object: string) {
    super(`the object ${object} is not what was stored, or its key is another`);
  }
}

/**
 * The same store, whose objects are encrypted: a salt of 16 bytes, then AES-256-GCM (NIST SP 800-38D) of each
 * 64 KiB with its tag, so that a range is read without the rest. Each object has a key of its own, by HKDF (RFC 5869)
 * of `key`, its salt and its name; a chunk's nonce is its index. Sizes, ranges and hashes are those of the plain
 * content. Reading raises {@link CannotDecrypt}, too. Raises RangeError unless `key` has 32 bytes.
 */
export function encrypted(store: ObjectStore, key: Uint8Array): ObjectStore {
  if (key.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes, not ${key.length}`);
  const keyOf = (name: string, salt: Uint8Array) =>
    Buffer.from(hkdfSync("sha256", key, salt, `object ${name}`, KEY_BYTES));
  return {
    put: (name, content) => put(store, name, content, keyOf),
    get: (name, range) => get(store, name, range ?? { from: 0, to: Number.MAX_SAFE_INTEGER }, keyOf),
    delete: (name) => store.delete(name),
    deleteAll: (prefix) => store.deleteAll(prefix),
  };
}

type KeyOf = (name: string, salt: Uint8Array) => Buffer;

async function put(
  store: ObjectStore,
  name: string,
  content: AsyncIterable<Uint8Array>,
  keyOf: KeyOf,
): Promise<PutObject> {
  const plain = new Measured(content);
  const salt = randomBytes(SALT_BYTES);
  await store.put(name, sealed(plain, salt, keyOf(name, salt)));
  return plain.result();
}

async function* sealed(
  plain: AsyncIterable<Uint8Array>,
  salt: Uint8Array,
  key: Buffer,
): AsyncGenerator<Uint8Array, void> {
  yield salt;
  let index = 0;
  for await (const chunk of chunksOf(plain, CHUNK_BYTES)) {
    const cipher = createCipheriv("aes-256-gcm", key, nonceOf(index++), { authTagLength: TAG_BYTES });
    yield Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]);
  }
}

async function* get(
  store: ObjectStore,
  name: string,
  { from, to }: Range,
  keyOf: KeyOf,
): AsyncGenerator<Uint8Array, void> {
  if (from >= to) return;
  const salt = await wholeOf(store.get(name, { from: 0, to: SALT_BYTES }));
  if (salt.length !== SALT_BYTES) throw new CannotDecrypt(name);
  const key = keyOf(name, salt);
  let index = Math.floor(from / CHUNK_BYTES);
  const last = Math.ceil(to / CHUNK_BYTES);
  const stored = store.get(name, {
    from: SALT_BYTES + index * SEALED_BYTES,
    to: SALT_BYTES + last * SEALED_BYTES,
  });
  for await (const chunk of chunksOf(stored, SEALED_BYTES)) {
    const plain = open(chunk, key, index, name);
    const begin = index++ * CHUNK_BYTES;
    yield plain.subarray(Math.max(0, from - begin), Math.max(0, to - begin));
  }
}

function open(chunk: Buffer, key: Buffer, index: number, name: string): Buffer {
  const end = chunk.length - TAG_BYTES;
  if (end < 0) throw new CannotDecrypt(name);
  const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(index), { authTagLength: TAG_BYTES });
  decipher.setAuthTag(chunk.subarray(end));
  try {
    return Buffer.concat([decipher.update(chunk.subarray(0, end)), decipher.final()]);
  } catch {
    throw new CannotDecrypt(name);
  }
}

function nonceOf(index: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(index, 8);
  return nonce;
}

/** The same bytes in chunks of `bytes`, of which the last may be shorter. */
async function* chunksOf(content: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Buffer, void> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const piece of content) {
    waiting.push(piece);
    length += piece.length;
    if (length < bytes) continue;
    const all = Buffer.concat(waiting, length);
    let at = 0;
    for (; at + bytes <= length; at += bytes) yield all.subarray(at, at + bytes);
    waiting = [all.subarray(at)];
    length -= at;
  }
  if (length > 0) yield Buffer.concat(waiting, length);
}

/** Raises ObjectsUnavailable for what is longer than any salt. */
async function wholeOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  const whole = Buffer.concat(pieces);
  if (whole.length > SALT_BYTES) throw new ObjectsUnavailable("the storage answered more than was asked");
  return whole;
}
