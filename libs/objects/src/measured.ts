import { createHash } from "node:crypto";
import type { PutObject } from "./object-store.js";

/** Content on its way, which is counted and hashed as it passes. */
export class Measured implements AsyncIterable<Uint8Array> {
  /** What the content's source raised. */
  failure: Error | undefined;
  private readonly sha256 = createHash("sha256");
  private bytes = 0;

  constructor(private readonly content: AsyncIterable<Uint8Array>) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    try {
      for await (const chunk of this.content) {
        this.bytes += chunk.length;
        this.sha256.update(chunk);
        yield chunk;
      }
    } catch (error) {
      this.failure = error as Error;
      throw error;
    }
  }

  /** Once all of it has passed. */
  result(): PutObject {
    return { bytes: this.bytes, sha256: this.sha256.digest() };
  }
}
