import type {
  AcknowledgmentDraft,
  EventDetails,
  EventDraft,
  HeartbeatDraft,
  LocationDraft,
  LogEntryDraft,
  MeasurementDraft,
  PublicationDraft,
  PublicationProperties,
  ReadingDraft,
  RejectionDraft,
  SignalBody,
  SignalDraft,
  StreamMessageDraft,
} from "./signal.js";
import * as writer from "./wire-writer.js";

// `fieldlog.signals.v1.Signal` by hand: on the hot path this takes a fraction of what toBinary does.
// A property test holds it against the generated code. Tags are field number << 3 | wire type.
const VARINT = 0;
const BIT64 = 1;
const BYTES = 2;
const tag = (field: number, wire: number) => (field << 3) | wire;

const SIGNAL = {
  device: tag(1, BYTES),
  identity: tag(2, BYTES),
  digest: tag(3, BYTES),
  receivedAt: tag(4, VARINT),
  occurredAt: tag(5, VARINT),
  sentAt: tag(6, VARINT),
  location: tag(7, BYTES),
  traceParent: tag(8, BYTES),
  publication: tag(9, BYTES),
  event: tag(16, BYTES),
  heartbeat: tag(17, BYTES),
  measurements: tag(18, BYTES),
  logEntries: tag(19, BYTES),
  message: tag(20, BYTES),
  acknowledgments: tag(21, BYTES),
  rejection: tag(22, BYTES),
  streamMessage: tag(24, BYTES),
} as const;
/** Of a body that is a list: its elements. */
const ELEMENT = tag(1, BYTES);
const PUBLICATION = {
  topic: tag(1, BYTES),
  qos: tag(2, VARINT),
  retain: tag(3, VARINT),
  clientId: tag(4, BYTES),
  redelivered: tag(5, VARINT),
  wrapped: tag(6, VARINT),
  utf8: tag(7, VARINT),
  contentType: tag(8, BYTES),
  responseTopic: tag(9, BYTES),
  correlationData: tag(10, BYTES),
  userProperties: tag(11, BYTES),
  expiresAt: tag(12, VARINT),
} as const;
/** Of user properties, and of the entries of a map. */
const PAIR = { key: tag(1, BYTES), value: tag(2, BYTES) } as const;
const MEASUREMENT = {
  occurredAt: tag(1, BIT64),
  revision: tag(2, VARINT),
  attributes: tag(3, BYTES),
  values: tag(4, BYTES),
} as const;
const LOG_ENTRY = {
  occurredAt: tag(1, BIT64),
  severity: tag(2, BYTES),
  revision: tag(3, VARINT),
  message: tag(4, BYTES),
  details: tag(5, BYTES),
  divided: tag(6, VARINT),
} as const;
const MESSAGE = { payload: tag(1, BYTES) } as const;
const ACKNOWLEDGMENT = {
  revision: tag(1, VARINT),
  success: tag(2, VARINT),
  occurredAt: tag(3, BIT64),
} as const;
const REJECTION = { topic: tag(1, BYTES), reason: tag(2, BYTES), count: tag(3, VARINT) } as const;
const LOCATION = { latitude: tag(1, BIT64), longitude: tag(2, BIT64), source: tag(3, BYTES) } as const;
const EVENT = {
  name: tag(1, BYTES),
  reading: tag(2, BYTES),
  otherReadings: tag(3, BYTES),
  action: tag(4, BYTES),
  value: tag(5, BYTES),
  place: tag(6, BYTES),
  source: tag(7, BYTES),
  subject: tag(8, BYTES),
  dataSchema: tag(9, BYTES),
  dataContentType: tag(10, BYTES),
  data: tag(11, BYTES),
  extensions: tag(12, BYTES),
} as const;
const READING = {
  sensor: tag(1, BYTES),
  sensorType: tag(2, BYTES),
  values: tag(3, BYTES),
  occurredAt: tag(4, VARINT),
  eventCount: tag(5, VARINT),
  windowS: tag(6, VARINT),
} as const;
const HEARTBEAT = {
  status: tag(1, BYTES),
  rates: tag(2, BYTES),
  connectedSensors: tag(3, BYTES),
  disconnectedSensors: tag(4, BYTES),
  latestRequestId: tag(5, VARINT),
} as const;
const STREAM_MESSAGE = {
  group: tag(1, BYTES),
  stream: tag(2, BYTES),
  batch: tag(3, BYTES),
  slice: tag(4, BYTES),
  message: tag(5, BYTES),
  chunk: tag(6, BYTES),
  site: tag(7, BYTES),
  contentEncoding: tag(8, BYTES),
  payload: tag(9, BYTES),
  external: tag(10, BYTES),
  completesBatch: tag(11, VARINT),
  completesMessage: tag(12, VARINT),
  noPayload: tag(13, VARINT),
} as const;
const RATE = { sensor: tag(1, BYTES), eventCount: tag(2, VARINT), windowS: tag(3, VARINT) } as const;

/** The bytes of the signal, as `toBinary(SignalSchema, …)` would give them. */
export function encodeSignal(signal: SignalDraft): Uint8Array {
  writer.begin();
  text(SIGNAL.device, signal.device);
  text(SIGNAL.identity, signal.identity);
  if (signal.digest !== undefined) {
    writer.varint(SIGNAL.digest);
    writer.varint(8);
    writer.fixed32BE(signal.digest.high);
    writer.fixed32BE(signal.digest.low);
  }
  if (signal.receivedAt !== 0) integer(SIGNAL.receivedAt, signal.receivedAt);
  if (signal.occurredAt !== 0) integer(SIGNAL.occurredAt, signal.occurredAt);
  if (signal.sentAt !== undefined) integer(SIGNAL.sentAt, signal.sentAt);
  if (signal.location !== undefined) location(signal.location);
  text(SIGNAL.traceParent, signal.traceParent);
  if (signal.publication !== undefined) publication(signal.publication);
  if (signal.body !== undefined) body(signal.body);
  return writer.finish();
}

function body(given: SignalBody): void {
  switch (given.case) {
    case "event":
      event(given.value);
      break;
    case "heartbeat":
      heartbeat(given.value);
      break;
    case "measurements":
      list(SIGNAL.measurements, given.value, measurement);
      break;
    case "logEntries":
      list(SIGNAL.logEntries, given.value, logEntry);
      break;
    case "message":
      message(given.value);
      break;
    case "acknowledgments":
      list(SIGNAL.acknowledgments, given.value, acknowledgment);
      break;
    case "rejection":
      rejection(given.value);
      break;
    case "streamMessage":
      streamMessage(given.value);
      break;
  }
}

function publication(value: PublicationDraft): void {
  writer.varint(SIGNAL.publication);
  const start = writer.open();
  text(PUBLICATION.topic, value.topic);
  if (value.qos !== 0) integer(PUBLICATION.qos, value.qos);
  flag(PUBLICATION.retain, value.retain);
  text(PUBLICATION.clientId, value.clientId);
  flag(PUBLICATION.redelivered, value.redelivered);
  flag(PUBLICATION.wrapped, value.wrapped);
  if (value.properties !== undefined) properties(value.properties);
  writer.close(start);
}

function properties(value: PublicationProperties): void {
  flag(PUBLICATION.utf8, value.utf8);
  text(PUBLICATION.contentType, value.contentType);
  text(PUBLICATION.responseTopic, value.responseTopic);
  if (value.correlationData !== undefined && value.correlationData.length > 0) {
    writer.varint(PUBLICATION.correlationData);
    writer.bytes(value.correlationData);
  }
  for (const [key, content] of value.userProperties) {
    writer.varint(PUBLICATION.userProperties);
    const start = writer.open();
    text(PAIR.key, key);
    text(PAIR.value, content);
    writer.close(start);
  }
  if (value.expiresAt !== undefined) integer(PUBLICATION.expiresAt, value.expiresAt);
}

function list<T>(tag: number, elements: readonly T[], write: (element: T) => void): void {
  writer.varint(tag);
  const start = writer.open();
  for (const element of elements) {
    writer.varint(ELEMENT);
    const begin = writer.open();
    write(element);
    writer.close(begin);
  }
  writer.close(start);
}

function measurement(value: MeasurementDraft): void {
  double(MEASUREMENT.occurredAt, value.occurredAt);
  if (value.revision !== undefined) integer(MEASUREMENT.revision, value.revision);
  for (const attribute of value.attributes) element(MEASUREMENT.attributes, attribute);
  doubles(MEASUREMENT.values, value.values);
}

function logEntry(value: LogEntryDraft): void {
  double(LOG_ENTRY.occurredAt, value.occurredAt);
  text(LOG_ENTRY.severity, value.severity);
  if (value.revision !== undefined) integer(LOG_ENTRY.revision, value.revision);
  text(LOG_ENTRY.message, value.message);
  if (value.details !== undefined) element(LOG_ENTRY.details, value.details);
  flag(LOG_ENTRY.divided, value.divided);
}

function message(payload: Uint8Array): void {
  writer.varint(SIGNAL.message);
  const start = writer.open();
  if (payload.length > 0) {
    writer.varint(MESSAGE.payload);
    writer.bytes(payload);
  }
  writer.close(start);
}

function acknowledgment(value: AcknowledgmentDraft): void {
  if (value.revision !== 0) integer(ACKNOWLEDGMENT.revision, value.revision);
  flag(ACKNOWLEDGMENT.success, value.success);
  double(ACKNOWLEDGMENT.occurredAt, value.occurredAt);
}

function rejection(value: RejectionDraft): void {
  writer.varint(SIGNAL.rejection);
  const start = writer.open();
  text(REJECTION.topic, value.topic);
  text(REJECTION.reason, value.reason);
  if (value.count !== 0) integer(REJECTION.count, value.count);
  writer.close(start);
}

function streamMessage(value: StreamMessageDraft): void {
  writer.varint(SIGNAL.streamMessage);
  const start = writer.open();
  text(STREAM_MESSAGE.group, value.group);
  text(STREAM_MESSAGE.stream, value.stream);
  text(STREAM_MESSAGE.batch, value.batch);
  text(STREAM_MESSAGE.slice, value.slice);
  text(STREAM_MESSAGE.message, value.message);
  text(STREAM_MESSAGE.chunk, value.chunk);
  text(STREAM_MESSAGE.site, value.site);
  text(STREAM_MESSAGE.contentEncoding, value.contentEncoding);
  if (value.payload.length > 0) {
    writer.varint(STREAM_MESSAGE.payload);
    writer.bytes(value.payload);
  }
  text(STREAM_MESSAGE.external, value.external);
  flag(STREAM_MESSAGE.completesBatch, value.completesBatch);
  flag(STREAM_MESSAGE.completesMessage, value.completesMessage);
  flag(STREAM_MESSAGE.noPayload, value.noPayload);
  writer.close(start);
}

function location(value: LocationDraft): void {
  writer.varint(SIGNAL.location);
  const start = writer.open();
  double(LOCATION.latitude, value.latitude);
  double(LOCATION.longitude, value.longitude);
  text(LOCATION.source, value.source);
  writer.close(start);
}

function event(value: EventDraft): void {
  writer.varint(SIGNAL.event);
  const start = writer.open();
  text(EVENT.name, value.name);
  if (value.reading !== undefined) reading(EVENT.reading, value.reading);
  for (const other of value.otherReadings) reading(EVENT.otherReadings, other);
  if (value.details !== undefined) details(value.details);
  writer.close(start);
}

function details(value: EventDetails): void {
  if (value.action !== undefined) element(EVENT.action, value.action);
  if (value.value !== undefined) element(EVENT.value, value.value);
  if (value.place !== undefined) element(EVENT.place, value.place);
  text(EVENT.source, value.source);
  text(EVENT.subject, value.subject);
  text(EVENT.dataSchema, value.dataSchema);
  text(EVENT.dataContentType, value.dataContentType);
  if (value.data !== undefined && value.data.length > 0) {
    writer.varint(EVENT.data);
    writer.bytes(value.data);
  }
  for (const [name, content] of value.extensions) {
    writer.varint(EVENT.extensions);
    const start = writer.open();
    element(PAIR.key, name);
    element(PAIR.value, content);
    writer.close(start);
  }
}

function reading(tag: number, value: ReadingDraft): void {
  writer.varint(tag);
  const start = writer.open();
  text(READING.sensor, value.sensor);
  text(READING.sensorType, value.sensorType);
  doubles(READING.values, value.values);
  if (value.occurredAt !== undefined) integer(READING.occurredAt, value.occurredAt);
  if (value.eventCount !== undefined) integer(READING.eventCount, value.eventCount);
  if (value.windowS !== undefined) integer(READING.windowS, value.windowS);
  writer.close(start);
}

function heartbeat(value: HeartbeatDraft): void {
  writer.varint(SIGNAL.heartbeat);
  const start = writer.open();
  text(HEARTBEAT.status, value.status);
  for (const { sensor, eventCount, windowS } of value.rates) {
    writer.varint(HEARTBEAT.rates);
    const rate = writer.open();
    text(RATE.sensor, sensor);
    if (eventCount !== 0) integer(RATE.eventCount, eventCount);
    if (windowS !== 0) integer(RATE.windowS, windowS);
    writer.close(rate);
  }
  for (const sensor of value.connectedSensors) element(HEARTBEAT.connectedSensors, sensor);
  for (const sensor of value.disconnectedSensors) element(HEARTBEAT.disconnectedSensors, sensor);
  if (value.latestRequestId !== undefined) {
    writer.varint(HEARTBEAT.latestRequestId);
    writer.big(value.latestRequestId);
  }
  writer.close(start);
}

/** A field that is absent when it is empty. */
function text(tag: number, value: string): void {
  if (value.length > 0) element(tag, value);
}

/** One of a list of texts; may be empty. */
function element(tag: number, value: string): void {
  writer.varint(tag);
  writer.text(value);
}

/** A field that is absent when it is 0; -0 is not. */
function double(tag: number, value: number): void {
  if (Object.is(value, 0)) return;
  writer.varint(tag);
  writer.double(value);
}

/** A packed list that is absent when it is empty. */
function doubles(tag: number, values: readonly number[]): void {
  if (values.length === 0) return;
  writer.varint(tag);
  writer.varint(values.length * 8);
  for (const one of values) writer.double(one);
}

/** A field that is absent when it is false. */
function flag(tag: number, value: boolean): void {
  if (!value) return;
  writer.varint(tag);
  writer.varint(1);
}

function integer(tag: number, value: number): void {
  writer.varint(tag);
  writer.integer(value);
}
