import type { Digest } from "./digest.js";

/** A signal on its way into the log: `fieldlog.signals.v1.Signal` in plain values. */
export interface SignalDraft {
  device: string;
  identity: string;
  digest: Digest;
  /** Times are ms since 1970 UTC. */
  receivedAt: number;
  occurredAt: number;
  sentAt: number;
  location: LocationDraft | undefined;
  /** Empty: not traced. */
  traceParent: string;
  /** Absent: the message reports nothing; only its identity is used up. */
  body: SignalBody | undefined;
}

export interface LocationDraft {
  latitude: number;
  longitude: number;
  source: string;
}

export type SignalBody = { case: "event"; value: EventDraft } | { case: "heartbeat"; value: HeartbeatDraft };

export interface EventDraft {
  name: string;
  reading: ReadingDraft;
  otherReadings: readonly ReadingDraft[];
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
