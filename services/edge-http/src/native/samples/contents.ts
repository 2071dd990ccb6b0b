import { setImmediate } from "node:timers/promises";
import { type Acquisition, InvalidAcquisition, readAcquisition } from "@fieldlog/acquisition";
import { limits, type registry, type sampling } from "@fieldlog/contracts";
import type { SampleStore } from "@fieldlog/samples";
import { Problem } from "../problem.js";

/** Milliseconds after which others get their turn. */
const TURN_MS = 10;

export interface ContentsParts {
  readonly store: Pick<SampleStore, "content">;
  /** Bytes of all documents that are held at once; one is always read. */
  readonly mostBytes: number;
}

/** A sample whose bytes can be read. */
export interface ReadableSample {
  readonly sample: sampling.Sample;
  readonly about: registry.SampleStored;
  readonly stored: registry.UploadStored;
  readonly key: Uint8Array;
}

/** Raises Problem 404: its key was destroyed. */
export function readable({ sample, key }: sampling.GetSampleResponse): ReadableSample {
  if (sample?.stored?.stored === undefined) throw new Error("sampling answered without a sample");
  if (key.length === 0) throw new Problem(404, "The device of this sample was erased.");
  return { sample, about: sample.stored, stored: sample.stored.stored, key };
}

/** Whether it has, or may have, values of its own: it is an acquisition document. */
export function hasValues({ about }: ReadableSample): boolean {
  return about.signature !== "";
}

/** What is in samples. Documents are read whole, so that only so many are at once. */
export class Contents {
  private bytes = 0;

  constructor(private readonly parts: ContentsParts) {}

  /** The file at that place in its attachments; a sample without any is one file. */
  content({ stored, key }: ReadableSample, range?: { from: number; to: number }): AsyncIterable<Uint8Array> {
    return this.parts.store.content(stored, key, range);
  }

  /**
   * Works on the values, which are held in the meantime. Raises Problem 406: it is no document; 503: too much at once;
   * what the storage raises.
   */
  async *withValues<T>(
    found: ReadableSample,
    work: (acquisition: Acquisition) => Iterable<T>,
  ): AsyncGenerator<T, void> {
    if (!hasValues(found)) throw new Problem(406, "This sample is no acquisition document.");
    const { to: bytes } = documentIn(found);
    if (bytes > limits.acquisitionBytes) {
      throw new Problem(406, "This sample is too large: only its bytes are given.");
    }
    if (this.bytes > 0 && this.bytes + bytes > this.parts.mostBytes) {
      throw new Problem(503, "Too many samples are read at once.", { retryAfterS: 1 });
    }
    this.bytes += bytes;
    try {
      let since = performance.now();
      for (const piece of work(await this.read(found))) {
        yield piece;
        if (performance.now() - since < TURN_MS) continue;
        await setImmediate();
        since = performance.now();
      }
    } finally {
      this.bytes -= bytes;
    }
  }

  private async read(found: ReadableSample): Promise<Acquisition> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.content(found, documentIn(found))) chunks.push(chunk);
    try {
      return await readAcquisition(Buffer.concat(chunks));
    } catch (error) {
      if (!(error instanceof InvalidAcquisition)) throw error;
      throw new Problem(406, `This sample can only be downloaded as it is: it ${error.detail}.`);
    }
  }
}

/** Its files are behind the document; without any there may be numbers behind it. */
function documentIn({ about: { attachments }, stored }: ReadableSample): { from: number; to: number } {
  const [document] = attachments;
  return { from: 0, to: Number(document?.bytes ?? stored.bytes) };
}
