import { ingestionRefusals } from "./refusal.js";

/** What was read whole; to be released when nobody needs it any more. */
export interface Held {
  readonly bytes: Buffer;
  release(): void;
}

/** Memory for what has to be read whole, bounded in all. */
export class Room {
  private taken = 0;

  constructor(private readonly most: number) {}

  /** Raises Refusal 413: more than `most` bytes; 503: others hold too much; and what `content` raises. */
  async read(content: AsyncIterable<Uint8Array>, most: number): Promise<Held> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    let released = false;
    const release = () => {
      if (!released) this.taken -= length;
      released = true;
    };
    try {
      for await (const chunk of content) {
        if (length + chunk.length > most) throw ingestionRefusals.tooLarge(most);
        if (this.taken + chunk.length > this.most) throw ingestionRefusals.tooMuch();
        length += chunk.length;
        this.taken += chunk.length;
        chunks.push(chunk);
      }
      return { bytes: Buffer.concat(chunks, length), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Bytes that are held. */
  get size(): number {
    return this.taken;
  }
}
