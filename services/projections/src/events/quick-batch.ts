import type { Buffer } from "node:buffer";
import { fromBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import type { ReportedLocation, ReportedReading } from "@fieldlog/events";
import {
  BatchReader,
  DEVICE,
  DIGEST,
  EVENT,
  HEARTBEAT,
  IDENTITY,
  isBody,
  KNOWN,
  LOCATION,
  MESSAGE,
  OCCURRED_AT,
  PUBLICATION,
  RECEIVED_AT,
  SENT_AT,
  TRACE_PARENT,
} from "../batch-reader.js";
import { BIT64, BYTES, ifPlain, NOT_PLAIN, tag, VARINT, WireReader } from "../wire-reader.js";
import { type Reported, type ReportedEvent, TO_DEVICES } from "./reported.js";

// A SignalBatch by hand. What this read model does not use it goes over without a look.

const OTHER_BODIES = new Set([18, 19, 21, 22].map((number) => tag(number, BYTES)));

const TOPIC = tag(1, BYTES);

const LATITUDE = tag(1, BIT64);
const LONGITUDE = tag(2, BIT64);
const SOURCE = tag(3, BYTES);

const NAME = tag(1, BYTES);
const READING = tag(2, BYTES);
const OTHER_READINGS = tag(3, BYTES);
const ACTION = tag(4, BYTES);
const VALUE = tag(5, BYTES);
const PLACE = tag(6, BYTES);
const EVENT_SOURCE = tag(7, BYTES);
const SUBJECT = tag(8, BYTES);
const DATA_SCHEMA = tag(9, BYTES);
const DATA_CONTENT_TYPE = tag(10, BYTES);
const DATA = tag(11, BYTES);
const ISSUER = tag(13, BYTES);
/** The highest number of an event's fields. The twelfth, a map, is left to the generated reader. */
const KNOWN_OF_EVENT = 13;

const SENSOR = tag(1, BYTES);
const SENSOR_TYPE = tag(2, BYTES);
const VALUES = tag(3, BYTES);
const READING_OCCURRED_AT = tag(4, VARINT);
const EVENT_COUNT = tag(5, VARINT);
const WINDOW_S = tag(6, VARINT);

/** The signals of a commit, undefined where one is not a device's. Undefined: not in the plain form, or no batch at all. */
export function quickBatch(data: Uint8Array): (Reported | undefined)[] | undefined {
  return ifPlain(() => new EventsReader(data).batch());
}

class EventsReader extends BatchReader<Reported | undefined> {
  protected signal(end: number): Reported | undefined {
    let device = "";
    let identity = "";
    let receivedAt = 0;
    let occurredAt = 0;
    let sentAt: number | undefined;
    let location: ReportedLocation | undefined;
    let body: Reported["body"] = NOTHING;
    let bodies = 0;
    let message = false;
    let publication: Buffer | undefined;
    while (this.at < end) {
      const field = this.varint();
      // Of several bodies the last one counts, which is for the generated reader to find out.
      if (isBody(field) && bodies++ > 0) throw NOT_PLAIN;
      if (field === DEVICE) device = this.text();
      else if (field === IDENTITY) identity = this.text();
      else if (field === RECEIVED_AT) receivedAt = this.varint();
      else if (field === OCCURRED_AT) occurredAt = this.varint();
      else if (field === SENT_AT) sentAt = this.varint();
      else if (field === TRACE_PARENT) this.text();
      else if (field === LOCATION && !location) location = this.location(this.end());
      else if (field === EVENT) body = { case: "event", value: this.event(this.end()) };
      else if (field === HEARTBEAT) body = { case: "heartbeat", value: this.heartbeat() };
      else if (field === PUBLICATION && !publication) publication = this.part();
      else if (field === MESSAGE) {
        message = true;
        this.at = this.end();
      } else if (field === DIGEST || OTHER_BODIES.has(field)) this.at = this.end();
      else this.skip(field, KNOWN);
    }
    this.mustBeAt(end);
    if (device === "" || (message && publication && toDevice(publication))) return undefined;
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
      else this.skip(field, 3);
    }
    this.mustBeAt(end);
    return { latitude, longitude, source };
  }

  private event(end: number): ReportedEvent {
    let name = "";
    let reading: ReportedReading | undefined;
    const otherReadings: ReportedReading[] = [];
    let more: Partial<{ -readonly [K in keyof ReportedEvent]: ReportedEvent[K] }> | undefined;
    while (this.at < end) {
      const field = this.varint();
      if (field === NAME) name = this.text();
      else if (field === READING && !reading) reading = this.reading(this.end());
      else if (field === OTHER_READINGS) otherReadings.push(this.reading(this.end()));
      else {
        more ??= {};
        if (field === ACTION) more.action = this.text();
        else if (field === VALUE) more.value = this.text();
        else if (field === PLACE) more.place = this.text();
        else if (field === EVENT_SOURCE) more.source = this.text();
        else if (field === SUBJECT) more.subject = this.text();
        else if (field === DATA_SCHEMA) more.dataSchema = this.text();
        else if (field === DATA_CONTENT_TYPE) more.dataContentType = this.text();
        else if (field === DATA) more.data = this.part();
        else if (field === ISSUER) more.issuer = this.text();
        else this.skip(field, KNOWN_OF_EVENT);
      }
    }
    this.mustBeAt(end);
    const found = { ...NOTHING_MORE, name, reading, otherReadings };
    return more === undefined ? found : { ...found, ...more };
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
      else this.skip(field, 6);
    }
    this.mustBeAt(end);
    return { sensor, sensorType, values, occurredAt, eventCount, windowS };
  }

  /** Rarer than events by far, so not read by hand. */
  private heartbeat(): signals.Heartbeat {
    return fromBinary(signals.HeartbeatSchema, this.part());
  }
}

/** Whether an encoded publication has one topic, its first field, and that is of the platform's. */
function toDevice(publication: Buffer): boolean {
  const reader = new WireReader(publication);
  if (publication.length === 0 || reader.varint() !== TOPIC) return false;
  return reader.part().toString("latin1", 0, TO_DEVICES.length) === TO_DEVICES;
}

const NOTHING_MORE = {
  ...{ source: "", subject: "", dataSchema: "", dataContentType: "", data: new Uint8Array(), extensions: {} },
  issuer: "",
};
const NOTHING: Reported["body"] = { case: undefined };
