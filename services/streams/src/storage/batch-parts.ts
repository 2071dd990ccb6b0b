import { limits, token } from "@fieldlog/contracts";
import { type ObjectStore, type Part, Stretches } from "@fieldlog/objects";
import { folderOf } from "./names.js";

/** A batch's file, or that of a slice of it: a file is stored in parts. */
export interface BatchFile {
  readonly namespace: string;
  readonly device: string;
  readonly batch: number;
  /** Empty: of what is in none. */
  readonly slice: string;
}

/** The name of one of its parts: the same each time that it is stored. */
function objectOf({ namespace, device, batch, slice }: BatchFile, part: number): string {
  return `${folderOf(namespace, device)}batches/${batch}/${token(slice)}/${part}`;
}

/** Its parts, by its size. @param partBytes of all but the last */
export function batchParts(
  file: BatchFile,
  bytes: number,
  partBytes: number = limits.uploadPartBytes,
): Part[] {
  return Array.from({ length: Math.ceil(bytes / partBytes) }, (_, part) => ({
    ...{ object: objectOf(file, part), bytes: Math.min(partBytes, bytes - part * partBytes) },
  }));
}

/** Stores them, over what was stored of the same batch. Returns the bytes of all. Raises ObjectsUnavailable and what `content` raises. */
export async function putBatchParts(
  store: Pick<ObjectStore, "put">,
  file: BatchFile,
  content: AsyncIterable<Uint8Array>,
  partBytes: number = limits.uploadPartBytes,
): Promise<number> {
  const stretches = new Stretches(content, partBytes);
  let whole = 0;
  try {
    for (let part = 0; await stretches.more(); part++) {
      const { bytes } = await store.put(objectOf(file, part), stretches.next());
      whole += bytes;
    }
  } finally {
    await stretches.end();
  }
  return whole;
}
