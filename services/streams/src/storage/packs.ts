import { randomBytes } from "node:crypto";
import { type ObjectStore, type Range, sealInto } from "@fieldlog/objects";
import { packsOf, positionsOf } from "./names.js";

/** Bytes, unpacked, of the largest message that lies in a pack with others. */
export const SMALL_BYTES = 32 * 1024;
/** Bytes of a pack: where the storage gives no ranges, so much is read for one message. */
const PACK_BYTES = 256 * 1024;

/** A message on its way into a pack. */
export interface Small {
  readonly namespace: string;
  readonly position: number;
  /** Unpacked. */
  readonly content: Uint8Array;
  /** Of its device; 32 bytes. */
  readonly key: Uint8Array;
}

/** Several that are one object. */
export interface Pack<S extends Small> {
  readonly object: string;
  readonly content: Uint8Array;
  /** In order, each with the name by which it is read. */
  readonly messages: readonly { readonly message: S; readonly name: string }[];
}

/** One after the other, a namespace's in packs of its own. */
export function* inPacks<S extends Small>(messages: Iterable<S>): Generator<Pack<S>, void> {
  const ofNamespaces = new Map<string, { bytes: number; messages: S[] }>();
  for (const message of messages) {
    const { namespace, content } = message;
    const open = ofNamespaces.get(namespace);
    if (open && open.bytes + content.length <= PACK_BYTES) {
      open.bytes += content.length;
      open.messages.push(message);
      continue;
    }
    ofNamespaces.set(namespace, { bytes: content.length, messages: [message] });
    if (open) yield packOf(open.messages);
  }
  for (const open of ofNamespaces.values()) yield packOf(open.messages);
}

/**
 * No two packs have one name: who stores without knowing that another has taken over writes over nothing. The first and
 * the last position in it tell which rows may point to it.
 */
function packOf<S extends Small>(messages: readonly S[]): Pack<S> {
  const positions = messages.map(({ position }) => position);
  const named = `${Math.min(...positions)}-${Math.max(...positions)}-${randomBytes(6).toString("hex")}`;
  const object = `${packsOf(messages[0]?.namespace ?? "")}${named}`;
  let at = 0;
  const sealed = messages.map((message) => {
    const one = { message, ...sealInto(object, at, message.content, message.key) };
    at += one.stored.length;
    return one;
  });
  return { object, content: Buffer.concat(sealed.map(({ stored }) => stored)), messages: sealed };
}

/** The same store for who reads many messages in turn: a pack is read once for all that lie in it one behind the other. */
export function readingPacksOnce(objects: ObjectStore): ObjectStore {
  let last: { readonly object: string; readonly content: Uint8Array } | undefined;
  return {
    async *get(name: string, range?: Range): AsyncGenerator<Uint8Array, void> {
      if (positionsOf(name) === undefined) {
        yield* objects.get(name, range);
        return;
      }
      if (last?.object !== name) last = { object: name, content: await bytesOf(objects.get(name)) };
      yield last.content.subarray(range?.from, range?.to);
    },
    put: (name, content) => objects.put(name, content),
    delete: (name) => objects.delete(name),
    list: (prefix, before) => objects.list(prefix, before),
    deleteAll: (prefix) => objects.deleteAll(prefix),
  };
}

async function bytesOf(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
