import { BYTES, NOT_PLAIN, tag, VARINT, WireReader } from "./wire-reader.js";

const SIGNALS = tag(1, BYTES);

// Fields of `Signal`.
export const DEVICE = tag(1, BYTES);
export const IDENTITY = tag(2, BYTES);
export const DIGEST = tag(3, BYTES);
export const RECEIVED_AT = tag(4, VARINT);
export const OCCURRED_AT = tag(5, VARINT);
export const SENT_AT = tag(6, VARINT);
export const LOCATION = tag(7, BYTES);
export const TRACE_PARENT = tag(8, BYTES);
export const PUBLICATION = tag(9, BYTES);
export const EVENT = tag(16, BYTES);
export const HEARTBEAT = tag(17, BYTES);
export const MEASUREMENTS = tag(18, BYTES);
export const LOG_ENTRIES = tag(19, BYTES);
export const MESSAGE = tag(20, BYTES);
export const REJECTION = tag(22, BYTES);
/** The highest number of them. */
export const KNOWN = 22;

const LAST_BODY = tag(KNOWN, BYTES);

export const isBody = (field: number) => field >= EVENT && field <= LAST_BODY;

/** Reads a `SignalBatch` by hand; what of a signal is of use, and what it goes over, is each read model's own. */
export abstract class BatchReader<Signal> extends WireReader {
  batch(): Signal[] {
    const found: Signal[] = [];
    while (this.at < this.bytes.length) {
      if (this.varint() !== SIGNALS) throw NOT_PLAIN;
      found.push(this.signal(this.end()));
    }
    return found;
  }

  /** The one that begins here. */
  protected abstract signal(end: number): Signal;
}
