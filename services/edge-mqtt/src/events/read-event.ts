import { isUtf8 } from "node:buffer";
import {
  checkedJson,
  InvalidEvent,
  isJson,
  NOTHING_SAID,
  type PublishedEvent,
  parseBinary,
  parseEvent,
  publishableName,
} from "@fieldlog/events";
import type { InboundPublish } from "../publish/inbound.js";
import type { EventTopic } from "./topics.js";

const STRUCTURED = "application/cloudevents+json";
const BATCH = "application/cloudevents-batch+json";
const SHORT_FORM = new Set([
  ...["name", "device", "id", "time", "location", "action", "value", "place", "data", "readings"],
]);

/**
 * The event in a publish to `events/<device>/<name>`: a CloudEvent (structured, or MQTT 5 binary mode: CloudEvents
 * MQTT binding 1.0.2, section 3), the short form, or any other bytes, which are its data. Raises InvalidEvent.
 */
export function readEvent(topic: EventTopic, packet: InboundPublish): PublishedEvent {
  const event = { ...readPayload(topic, packet) };
  if (event.name !== topic.name && topic.name !== "") throw new InvalidEvent("name", "must be the topic's");
  if (event.device !== undefined && event.device !== topic.device) {
    throw new InvalidEvent("device", "must be the topic's");
  }
  return { ...event, device: topic.device, identity: event.identity || (packet.identity ?? "") };
}

function readPayload({ name }: EventTopic, { payload, properties }: InboundPublish): PublishedEvent {
  const contentType = properties?.contentType ?? "";
  const mode = (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
  if (mode === BATCH) throw new InvalidEvent("", "must be one event");
  if (mode === STRUCTURED) return parseEvent(jsonOf(payload));
  const attributes = properties?.userProperties ?? [];
  if (attributes.some(([attribute]) => attribute === "specversion")) {
    // Not of the event, but of how it came.
    const own = attributes.filter(([attribute]) => attribute !== "traceparent");
    return parseBinary(own, contentType, payload);
  }
  if (isJson(contentType)) {
    const json = jsonOf(payload);
    if (isObject(json) && "specversion" in json) return parseEvent(json);
    if (isObject(json) && Object.keys(json).every((key) => SHORT_FORM.has(key))) {
      return parseEvent("name" in json ? json : { ...json, name });
    }
  }
  return { ...NOTHING_SAID, name: publishableName(name, "name"), ...dataOf(payload, contentType) };
}

function dataOf(payload: Uint8Array, contentType: string): Partial<PublishedEvent> {
  if (payload.length === 0) return {};
  const dataContentType = contentType || contentTypeOf(payload);
  return { dataContentType, data: checkedJson(payload, dataContentType) };
}

/** Of what does not say it; empty: JSON. */
function contentTypeOf(payload: Uint8Array): string {
  if (jsonOf(payload) !== undefined) return "";
  return isUtf8(payload) ? "text/plain" : "application/octet-stream";
}

/** Undefined: it is none. */
function jsonOf(payload: Uint8Array): unknown {
  if (!isUtf8(payload)) return undefined;
  try {
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString());
  } catch {
    return undefined;
  }
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
