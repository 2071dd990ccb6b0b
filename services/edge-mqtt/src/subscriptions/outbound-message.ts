import type { Position, signals } from "@fieldlog/contracts";
import { type EventNamespace, LoggedEvent } from "@fieldlog/events";
import { eventTopicOf } from "../events/topics.js";

/** A message as a subscriber gets it. */
export interface OutboundMessage {
  readonly position: Position;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly publication: OutboundProperties;
  /** What a trace needs of the signal. Absent: it was never in the log. */
  readonly signal?: Pick<signals.Signal, "device" | "traceParent">;
}

export interface OutboundProperties {
  readonly utf8: boolean;
  /** Empty texts, no bytes: the publisher did not say. */
  readonly contentType: string;
  readonly responseTopic: string;
  readonly correlationData: Uint8Array;
  readonly userProperties: readonly { readonly key: string; readonly value: string }[];
  /** ms since 1970 UTC. */
  readonly expiresAt: number | undefined;
}

/** How every event goes out, whoever published it and in whichever form. */
const EVENT_PROPERTIES: OutboundProperties = {
  ...{ utf8: true, contentType: "application/cloudevents+json", responseTopic: "" },
  ...{ correlationData: new Uint8Array(), userProperties: [], expiresAt: undefined },
};

/** The message that an encoded `Signal` is for a subscriber; undefined: it is none. */
export function outboundMessage(
  namespace: EventNamespace,
  position: Position,
  encoded: Uint8Array,
): OutboundMessage | undefined {
  const event = new LoggedEvent(position, namespace, encoded);
  const { publication, body } = event.signal;
  if (body.case === "event") {
    const { signal } = event;
    const payload = event.json();
    return { position, topic: eventTopicOf(event), payload, publication: EVENT_PROPERTIES, signal };
  }
  if (publication === undefined) return undefined;
  const payload = payloadOf(body, publication.wrapped);
  if (payload === undefined) return undefined;
  return { ...messageOf(position, publication, payload), signal: event.signal };
}

export function messageOf(
  position: Position,
  publication: signals.Publication,
  payload: Uint8Array,
): OutboundMessage {
  const { topic, utf8, contentType, responseTopic, correlationData, userProperties, expiresAt } = publication;
  return {
    ...{ position, topic, payload },
    publication: {
      ...{ utf8, contentType, responseTopic, correlationData, userProperties },
      expiresAt: expiresAt === undefined ? undefined : Number(expiresAt),
    },
  };
}

/** The payload; of what an edge decoded, the JSON made anew, as tenta's table of payloads has it (A1.2). */
function payloadOf(body: signals.Signal["body"], wrapped: boolean): Uint8Array | undefined {
  switch (body.case) {
    case "message":
      return body.value.payload;
    case "measurements":
      return json(wrapped, "measurements", body.value.measurements.map(measurement));
    case "logEntries":
      return json(wrapped, "log_messages", body.value.entries.map(logEntry));
    case "acknowledgments":
      return json(wrapped, "heartbeats", body.value.acknowledgments.map(acknowledgment));
    default:
      return undefined;
  }
}

function json(wrapped: boolean, name: string, list: readonly object[]): Uint8Array {
  return Buffer.from(JSON.stringify(wrapped ? { [name]: list } : list));
}

function measurement({ revision, occurredAt, attributes, values }: signals.Measurement): object {
  const value: [string, number | undefined][] = attributes.map((attribute, i) => [attribute, values[i]]);
  return { ...revisionOf(revision), timestamp: occurredAt, value: Object.fromEntries(value) };
}

function logEntry(entry: signals.LogEntry): object {
  const { severity, revision, occurredAt, message, details, divided } = entry;
  const said = divided ? { subject: message, ...(details === undefined ? {} : { details }) } : { message };
  return { severity, ...revisionOf(revision), timestamp: occurredAt, ...said };
}

function acknowledgment({ revision, occurredAt, success }: signals.Acknowledgment): object {
  return { revision, timestamp: occurredAt, success };
}

function revisionOf(revision: number | undefined): object {
  return revision === undefined ? {} : { revision };
}
