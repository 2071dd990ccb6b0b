import { randomBytes } from "node:crypto";
import { PLAIN } from "./encrypted.js";
import { type ObjectStore, ObjectsUnavailable } from "./object-store.js";

/** An object that holds a stretch of what is larger. */
export interface Part {
  /** The object's name. */
  readonly object: string;
  readonly bytes: number;
}

/** What comes, cut into stretches of at most so many bytes; read one after the other, each to its end. */
export class Stretches {
  private readonly source: AsyncIterator<Uint8Array>;
  /** Has come, and belongs to the next stretch. */
  private rest: Uint8Array | undefined;

  constructor(
    content: AsyncIterable<Uint8Array>,
    private readonly bytes: number,
  ) {
    this.source = content[Symbol.asyncIterator]();
  }

  /** Waits for the next bytes. False: there are no more. */
  async more(): Promise<boolean> {
    while (this.rest === undefined || this.rest.length === 0) {
      const { done, value } = await this.source.next();
      if (done) return false;
      this.rest = value;
    }
    return true;
  }

  async *next(): AsyncGenerator<Uint8Array, void> {
    let left = this.bytes;
    while (left > 0 && (await this.more())) {
      const chunk = this.rest as Uint8Array;
      const some = chunk.subarray(0, left);
      this.rest = chunk.subarray(left);
      left -= some.length;
      yield some;
    }
  }

  /** No more of it is wanted. */
  async end(): Promise<void> {
    await this.source.return?.();
  }
}

/** A name for the stretch that begins at `offset`, which no other has. @param plain not encrypted by us */
export function partName(folder: string, offset: number, plain: boolean): string {
  return `${folder}${String(offset).padStart(12, "0")}-${randomBytes(6).toString("hex")}${plain ? PLAIN : ""}`;
}

export function bytesIn(parts: readonly Part[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * The bytes of objects one after the other, from the one at `from` up to, and without, the one at `to`. Raises
 * ObjectsUnavailable where an object has fewer than it had.
 */
export async function* contentOf(
  store: Pick<ObjectStore, "get">,
  parts: readonly Part[],
  { from, to }: { from: number; to: number },
): AsyncGenerator<Uint8Array, void> {
  let begin = 0;
  for (const { object, bytes } of parts) {
    const range = { from: Math.max(0, from - begin), to: Math.min(bytes, to - begin) };
    begin += bytes;
    let left = range.to - range.from;
    if (left <= 0) continue;
    for await (const chunk of store.get(object, range)) {
      left -= chunk.length;
      yield chunk;
    }
    if (left !== 0) throw new ObjectsUnavailable(`the object ${object} is not as long as it was`);
  }
}
