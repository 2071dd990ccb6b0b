import { fromBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import {
  BatchReader,
  DEVICE,
  IDENTITY,
  isBody,
  KNOWN,
  LOG_ENTRIES,
  MEASUREMENTS,
  OCCURRED_AT,
  RECEIVED_AT,
  REJECTION,
  SENT_AT,
} from "../batch-reader.js";
import { BIT64, BYTES, ifPlain, NOT_PLAIN, tag, VARINT } from "../wire-reader.js";
import { logged, type Measured, number, type Readings, rejected } from "./read.js";

// A SignalBatch by hand, of which only measurements are many; what is none of this read model's is gone over.

/** Digest, location, trace parent, publication; other bodies. */
const GONE_OVER = new Set([3, 7, 8, 9, 16, 17, 20, 21].map((number) => tag(number, BYTES)));

const MEASUREMENT = tag(1, BYTES);
const MEASURED_AT = tag(1, BIT64);
const REVISION = tag(2, VARINT);
const ATTRIBUTE = tag(3, BYTES);
const VALUES = tag(4, BYTES);

const UINT32_MAX = 0xffffffff;

/** Of one signal of a batch; `readings` are absent where it is none of this read model's. */
export interface QuickSignal {
  readonly device: string;
  readonly readings: Readings | undefined;
}

/** The signals of a commit; undefined: not in the plain form, or no batch at all. */
export function quickReadings(data: Uint8Array): QuickSignal[] | undefined {
  return ifPlain(() => new ReadingsReader(data).batch());
}

class ReadingsReader extends BatchReader<QuickSignal> {
  protected signal(end: number): QuickSignal {
    let device = "";
    let identity = "";
    let receivedAt = 0;
    let bodies = 0;
    let body = 0;
    let bodyAt = 0;
    while (this.at < end) {
      const field = this.varint();
      // Of several bodies the last one counts, which is for the generated reader to find out.
      if (isBody(field) && bodies++ > 0) throw NOT_PLAIN;
      if (field === DEVICE) device = this.text();
      else if (field === IDENTITY) identity = this.text();
      else if (field === RECEIVED_AT) receivedAt = this.varint();
      else if (field === OCCURRED_AT || field === SENT_AT) this.varint();
      else if (field === MEASUREMENTS || field === LOG_ENTRIES || field === REJECTION) {
        body = field;
        bodyAt = this.at;
        this.at = this.end();
      } else if (GONE_OVER.has(field)) this.at = this.end();
      else this.skip(field, KNOWN);
    }
    this.mustBeAt(end);
    if (body === 0) return { device, readings: undefined };
    this.at = bodyAt;
    const readings = { identity, receivedAt, ...this.elements(body, receivedAt) };
    this.at = end;
    return { device, readings };
  }

  /** Only measurements are many enough to be read by hand. */
  private elements(body: number, receivedAt: number): Pick<Readings, "measurements" | "entries"> {
    if (body === MEASUREMENTS) return { measurements: this.measurements(this.end()), entries: NONE };
    if (body === LOG_ENTRIES) {
      const { entries } = fromBinary(signals.LogEntriesSchema, this.part());
      return { measurements: NONE, entries: entries.map(logged) };
    }
    const rejection = fromBinary(signals.RejectionSchema, this.part());
    return { measurements: NONE, entries: [rejected(rejection, receivedAt)] };
  }

  private measurements(end: number): Measured[] {
    const found: Measured[] = [];
    while (this.at < end) {
      if (this.varint() !== MEASUREMENT) throw NOT_PLAIN;
      found.push(this.measurement(this.end()));
    }
    this.mustBeAt(end);
    return found;
  }

  private measurement(end: number): Measured {
    let seconds = 0;
    let revision: number | undefined;
    const attributes: string[] = [];
    const values: number[] = [];
    while (this.at < end) {
      const field = this.varint();
      if (field === MEASURED_AT) seconds = number(this.double());
      else if (field === REVISION) revision = this.uint32();
      else if (field === ATTRIBUTE) attributes.push(this.name());
      else if (field === VALUES) this.doubles(values, this.end());
      else this.skip(field, 4);
    }
    this.mustBeAt(end);
    if (attributes.length !== values.length) throw NOT_PLAIN;
    return { seconds, revision, attributes, values };
  }

  private name(): string {
    const name = this.text();
    if (name.includes("\0")) throw NOT_PLAIN;
    return name;
  }

  private uint32(): number {
    const value = this.varint();
    if (value > UINT32_MAX) throw NOT_PLAIN;
    return value;
  }
}

const NONE: readonly never[] = [];
