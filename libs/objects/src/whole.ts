import { token } from "@fieldlog/contracts";
import type { ObjectStore } from "./object-store.js";
import { bytesIn, type Part, partName, Stretches } from "./parts.js";

/** Parts that belong together, all of which are there. */
export interface Whole {
  readonly bytes: number;
  readonly parts: readonly Part[];
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
 * Puts content into a folder in objects of at most so many bytes, and says last that it is whole. What was whole there
 * before stays so until then. Raises what `content` raises, and ObjectsUnavailable; what was put is gone then, unless
 * the storage does not answer.
 */
export async function putWhole(
  store: Pick<ObjectStore, "put" | "delete">,
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

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}
