import { fromBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import type { Reported, ReportedEvent, ReportedLocation, ReportedReading } from "./reported.js";

// Reads a SignalBatch by hand, in a third of the time that the generated reader takes, which was the largest
// cost of following the log. It knows the plain form in which the edges write: anything else, such as a field
// of a newer version, negative times or text beyond ASCII, it leaves to the generated reader. Tests hold it
// against that on any signal and on any bytes.

const VARINT = 0;
const BIT64 = 1;
const BYTES = 2;
const tag = (field: number, wire: number) => (field << 3) | wire;

const SIGNALS = tag(1, BYTES);
const DEVICE = tag(1, BYTES);
const IDENTITY = tag(2, BYTES);
const DIGEST = tag(3, BYTES);
const RECEIVED_AT = tag(4, VARINT);
const OCCURRED_AT = tag(5, VARINT);
const SENT_AT = tag(6, VARINT);
const LOCATION = tag(7, BYTES);
const TRACE_PARENT = tag(8, BYTES);
const EVENT = tag(16, BYTES);
const HEARTBEAT = tag(17, BYTES);

const LATITUDE = tag(1, BIT64);
const LONGITUDE = tag(2, BIT64);
const SOURCE = tag(3, BYTES);

const NAME = tag(1, BYTES);
const READING = tag(2, BYTES);
const OTHER_READINGS = tag(3, BYTES);

const SENSOR = tag(1, BYTES);
const SENSOR_TYPE = tag(2, BYTES);
const VALUES = tag(3, BYTES);
const READING_OCCURRED_AT = tag(4, VARINT);
const EVENT_COUNT = tag(5, VARINT);
const WINDOW_S = tag(6, VARINT);

/** Seven bytes: more than any time of this age needs, and exact in a number. */
const LONGEST_VARINT = 2 ** 49;
const INT32_MAX = 0x7fffffff;

const NOT_PLAIN = new Error("not the plain form");

/** The signals of a commit; undefined: not in the plain form, or no batch at all. */
export function quickBatch(data: Uint8Array): Reported[] | undefined {
  try {
    return new Cursor(data).batch();
  } catch (error) {
    if (error === NOT_PLAIN || error instanceof RangeError) return undefined;
    throw error;
  }
}

class Cursor {
  private readonly bytes: Buffer;
  private readonly view: DataView;
  private at = 0;

  constructor(data: Uint8Array) {
    this.bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  batch(): Reported[] {
    const found: Reported[] = [];
    while (this.at < this.bytes.length) {
      if (this.varint() !== SIGNALS) throw NOT_PLAIN;
      found.push(this.signal(this.end()));
    }
    return found;
  }

  private signal(end: number): Reported {
    let device = "";
    let identity = "";
    let receivedAt = 0;
    let occurredAt = 0;
    let sentAt: number | undefined;
    let location: ReportedLocation | undefined;
    let body: Reported["body"] = NOTHING;
    while (this.at < end) {
      const field = this.varint();
      if (field === DEVICE) device = this.text();
      else if (field === IDENTITY) identity = this.text();
      else if (field === DIGEST) this.at = this.end();
      else if (field === RECEIVED_AT) receivedAt = this.varint();
      else if (field === OCCURRED_AT) occurredAt = this.varint();
      else if (field === SENT_AT) sentAt = this.varint();
      else if (field === TRACE_PARENT) this.text();
      else if (field === LOCATION && !location) location = this.location(this.end());
      else if (field === EVENT && body === NOTHING) body = { case: "event", value: this.event(this.end()) };
      else if (field === HEARTBEAT && body === NOTHING) body = { case: "heartbeat", value: this.heartbeat() };
      else throw NOT_PLAIN;
    }
    this.mustBeAt(end);
    return { device, identity, receivedAt, occurredAt, sentAt, location, body };
  }

  private location(end: number): ReportedLocation {
    let latitude = 0;
    let longitude = 0;
    let source = "";
    while (this.at < end) {
      const field = this.varint();
      if (field === LATITUDE) latitude = this.double();
      else if (field === LONGITUDE) longitude = this.double();
      else if (field === SOURCE) source = this.text();
      else throw NOT_PLAIN;
    }
    this.mustBeAt(end);
    return { latitude, longitude, source };
  }

  private event(end: number): ReportedEvent {
    let name = "";
    let reading: ReportedReading | undefined;
    let otherReadings: ReportedReading[] = [];
    while (this.at < end) {
      const field = this.varint();
      if (field === NAME) name = this.text();
      else if (field === READING && !reading) reading = this.reading(this.end());
      else if (field === OTHER_READINGS) otherReadings = [...otherReadings, this.reading(this.end())];
      else throw NOT_PLAIN;
    }
    this.mustBeAt(end);
    return { name, reading, otherReadings };
  }

  private reading(end: number): ReportedReading {
    let sensor = "";
    let sensorType = "";
    const values: number[] = [];
    let occurredAt: number | undefined;
    let eventCount: number | undefined;
    let windowS: number | undefined;
    while (this.at < end) {
      const field = this.varint();
      if (field === SENSOR) sensor = this.text();
      else if (field === SENSOR_TYPE) sensorType = this.text();
      else if (field === VALUES) this.doubles(values, this.end());
      else if (field === READING_OCCURRED_AT) occurredAt = this.varint();
      else if (field === EVENT_COUNT) eventCount = this.int32();
      else if (field === WINDOW_S) windowS = this.int32();
      else throw NOT_PLAIN;
    }
    this.mustBeAt(end);
    return { sensor, sensorType, values, occurredAt, eventCount, windowS };
  }

  /** Rarer than events by far, so not read by hand. */
  private heartbeat(): signals.Heartbeat {
    const end = this.end();
    const heartbeat = this.bytes.subarray(this.at, end);
    this.at = end;
    return fromBinary(signals.HeartbeatSchema, heartbeat);
  }

  /** Where what comes next ends, by the length before it. */
  private end(): number {
    const length = this.varint();
    const end = this.at + length;
    if (end > this.bytes.length) throw NOT_PLAIN;
    return end;
  }

  private text(): string {
    const end = this.end();
    const begin = this.at;
    for (let i = begin; i < end; i++) if ((this.bytes[i] as number) > 0x7f) throw NOT_PLAIN;
    this.at = end;
    return this.bytes.toString("latin1", begin, end);
  }

  private doubles(into: number[], end: number): void {
    while (this.at < end) into.push(this.double());
    this.mustBeAt(end);
  }

  private double(): number {
    const value = this.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  private int32(): number {
    const value = this.varint();
    if (value > INT32_MAX) throw NOT_PLAIN;
    return value;
  }

  private varint(): number {
    let value = 0;
    for (let unit = 1; unit < LONGEST_VARINT; unit *= 0x80) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw NOT_PLAIN;
      if (byte < 0x80) return value + byte * unit;
      value += (byte & 0x7f) * unit;
    }
    throw NOT_PLAIN;
  }

  private mustBeAt(end: number): void {
    if (this.at !== end) throw NOT_PLAIN;
  }
}

const NOTHING: Reported["body"] = { case: undefined };
