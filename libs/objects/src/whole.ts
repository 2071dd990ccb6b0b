import { token } from "@fieldlog/contracts";
import { CannotDecrypt } from "./encrypted.js";
import { Measured } from "./measured.js";
import { NoSuchObject, type ObjectStore, type PutObject } from "./object-store.js";
import { bytesIn, contentOf, type Part, partName, Stretches } from "./parts.js";

/** Parts that belong together, all of which are there. */
export interface Whole {
  readonly bytes: number;
  readonly parts: readonly Part[];
}

/** Something became whole there while this was put. */
export class AlreadyWhole extends Error {
  override readonly name = "AlreadyWhole";
  constructor(readonly folder: string) {
    super(`${folder} is whole already`);
  }
}

/** The object that is written last; it has the parts as JSON. */
const LAST = "whole";

/** What the names of all that a device uploads for its streams begin with. */
export function streamUploadsOf(namespace: string, device: string): string {
  return `${namespace}/~stream-uploads/${token(device)}/`;
}

/** What the names of a device's upload of a stream's payload begin with. @param upload as the device calls it */
export function streamUploadFolder(namespace: string, device: string, upload: string): string {
  return `${streamUploadsOf(namespace, device)}${token(upload)}/`;
}

/**
 * Puts content into a folder in objects of at most so many bytes, and says last that it is whole, unless something else is
 * by then. Raises what `content` raises, AlreadyWhole and ObjectsUnavailable; what was put is gone then, unless the storage
 * does not answer.
 */
export async function putWhole(
  store: Pick<ObjectStore, "put" | "get" | "delete">,
  folder: string,
  content: AsyncIterable<Uint8Array>,
  partBytes: number,
): Promise<Whole> {
  const parts: Part[] = [];
  const stretches = new Stretches(content, partBytes);
  try {
    while (await stretches.more()) {
      const object = partName(folder, bytesIn(parts), false);
      const { bytes } = await store.put(object, stretches.next());
      parts.push({ object, bytes });
    }
    if ((await findWhole(store, folder)) !== undefined) throw new AlreadyWhole(folder);
    await store.put(`${folder}${LAST}`, once(Buffer.from(JSON.stringify(parts))));
  } catch (error) {
    await Promise.all(parts.map(({ object }) => store.delete(object).catch(() => undefined)));
    throw error;
  } finally {
    await stretches.end();
  }
  return { bytes: bytesIn(parts), parts };
}

/** What {@link putWhole} put; `contentOf` reads it. Raises NoSuchObject while it is not whole, ObjectsUnavailable. */
export async function wholeOf(store: Pick<ObjectStore, "get">, folder: string): Promise<Whole> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.get(`${folder}${LAST}`)) chunks.push(chunk);
  const parts = JSON.parse(Buffer.concat(chunks).toString()) as Part[];
  return { bytes: bytesIn(parts), parts };
}

/** undefined: nothing is whole there, or nobody can read it any more. Raises ObjectsUnavailable. */
export async function findWhole(store: Pick<ObjectStore, "get">, folder: string): Promise<Whole | undefined> {
  try {
    return await wholeOf(store, folder);
  } catch (error) {
    if (error instanceof NoSuchObject || error instanceof CannotDecrypt) return undefined;
    throw error;
  }
}

/** Whether the content is what is whole there. Raises what `content` raises, NoSuchObject, ObjectsUnavailable. */
export async function isSame(
  store: Pick<ObjectStore, "get">,
  { parts, bytes }: Whole,
  content: AsyncIterable<Uint8Array>,
): Promise<boolean> {
  const came = await measured(content);
  if (came.bytes !== bytes) return false;
  const there = await measured(contentOf(store, parts, { from: 0, to: bytes }));
  return Buffer.compare(came.sha256, there.sha256) === 0;
}

async function measured(content: AsyncIterable<Uint8Array>): Promise<PutObject> {
  const passing = new Measured(content);
  for await (const _ of passing);
  return passing.result();
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}
