import type { signals } from "@fieldlog/contracts";
import type { Digest } from "./digest.js";

/** A signal on its way into the log: `fieldlog.signals.v1.Signal` in plain values. */
export interface SignalDraft {
  device: string;
  /** Empty: nothing tells it from another one like it. */
  identity: string;
  /** Absent where nobody looks for resends of the message. */
  digest: Digest | undefined;
  /** Times are ms since 1970 UTC. */
  receivedAt: number;
  occurredAt: number;
  sentAt: number | undefined;
  location: LocationDraft | undefined;
  /** Empty: not traced. */
  traceParent: string;
  /** How it was published, where it came by MQTT. */
  publication: PublicationDraft | undefined;
  /** Absent: the message reports nothing; only its identity is used up. */
  body: SignalBody | undefined;
}

export interface LocationDraft {
  latitude: number;
  longitude: number;
  source: string;
}

export type SignalBody =
  | { case: "event"; value: EventDraft }
  | { case: "heartbeat"; value: HeartbeatDraft }
  | { case: "measurements"; value: readonly MeasurementDraft[] }
  | { case: "logEntries"; value: readonly LogEntryDraft[] }
  | { case: "message"; value: Uint8Array }
  | { case: "acknowledgments"; value: readonly AcknowledgmentDraft[] }
  | { case: "rejection"; value: RejectionDraft }
  | { case: "streamMessage"; value: StreamMessageDraft };

/** As it stands in the log. */
export type StreamMessageDraft = Omit<signals.StreamMessage, "$typeName" | "$unknown">;

export interface PublicationDraft {
  topic: string;
  qos: number;
  retain: boolean;
  clientId: string;
  redelivered: boolean;
  /** The list was in an object. */
  wrapped: boolean;
  /** Nothing more than the above is said of most messages. */
  properties: PublicationProperties | undefined;
}

export interface PublicationProperties {
  utf8: boolean;
  contentType: string;
  responseTopic: string;
  correlationData: Uint8Array | undefined;
  userProperties: readonly (readonly [key: string, value: string])[];
  /** ms since 1970 UTC. */
  expiresAt: number | undefined;
}

/** Times of these are s since 1970 UTC, by the device's clock. */
export interface MeasurementDraft {
  occurredAt: number;
  revision: number | undefined;
  attributes: readonly string[];
  /** As many as attributes. */
  values: readonly number[];
}

export interface LogEntryDraft {
  occurredAt: number;
  severity: string;
  revision: number | undefined;
  message: string;
  details: string | undefined;
  divided: boolean;
}

export interface AcknowledgmentDraft {
  revision: number;
  success: boolean;
  occurredAt: number;
}

export interface RejectionDraft {
  topic: string;
  reason: string;
  count: number;
}

export interface EventDraft {
  name: string;
  /** Absent: no sensor caused it. */
  reading: ReadingDraft | undefined;
  otherReadings: readonly ReadingDraft[];
  /** Absent of most events of sensors. */
  details?: EventDetails;
}

/** What else an event says. Empty texts: it does not. */
export interface EventDetails {
  action: string | undefined;
  value: string | undefined;
  place: string | undefined;
  source: string;
  subject: string;
  dataSchema: string;
  dataContentType: string;
  data: Uint8Array | undefined;
  extensions: readonly (readonly [name: string, value: string])[];
}

export interface ReadingDraft {
  sensor: string;
  sensorType: string;
  values: readonly number[];
  occurredAt: number | undefined;
  eventCount: number | undefined;
  windowS: number | undefined;
}

export interface HeartbeatDraft {
  status: string;
  rates: readonly { sensor: string; eventCount: number; windowS: number }[];
  connectedSensors: readonly string[];
  disconnectedSensors: readonly string[];
  latestRequestId: bigint | undefined;
}
