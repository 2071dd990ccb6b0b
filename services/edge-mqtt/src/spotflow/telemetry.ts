import { hash } from "node:crypto";
import type { StreamMessageDraft } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { splitPair } from "./topics.js";

/** A device's message to a stream, as it goes into the log. */
export interface Telemetry {
  readonly message: StreamMessageDraft;
  /** Empty: nothing tells it from another. */
  readonly identity: string;
  /** Properties that this dialect has no meaning for. */
  readonly others: readonly (readonly [name: string, value: string])[];
}

const KNOWN = new Set([
  ...["stream-group-name", "stream-name", "site-id", "batch-id", "batch-slice-id", "message-id", "chunk-id"],
  ...["content-encoding", "has-externalized-payload"],
  ...["complete-batch", "complete-message", "ignore-payload"],
]);

/**
 * Reads telemetry: its property bag, and its payload (spotflow reference B4). Nothing of it is refused, since a device
 * sends in order and would send the same again for ever: what makes no sense is for the streams to set aside. So that
 * this is bounded, of a text over {@link limits.streamNameLength} one character more is kept.
 *
 * @param bag properties as the topic has them, percent-encoded; may be empty
 */
export function readTelemetry(bag: string, payload: Uint8Array): Telemetry {
  const properties = new Map<string, string>();
  if (bag !== "") {
    for (const pair of bag.split("&", limits.mqttUserProperties)) {
      const [name, value] = splitPair(pair);
      properties.set(decoded(name), decoded(value));
    }
  }
  const of = (name: string) => properties.get(name) ?? "";
  const says = (name: string) => of(name) === "true";
  const external = says("has-externalized-payload") ? linkOf(payload) : "";
  const noPayload = says("ignore-payload");
  const message = {
    ...{ group: of("stream-group-name"), stream: of("stream-name"), site: of("site-id") },
    ...{
      batch: of("batch-id"),
      slice: of("batch-slice-id"),
      message: of("message-id"),
      chunk: of("chunk-id"),
    },
    ...{ contentEncoding: of("content-encoding"), external, noPayload },
    payload: external !== "" || noPayload ? new Uint8Array() : payload,
    ...{ completesBatch: says("complete-batch"), completesMessage: says("complete-message") },
  };
  const others = [...properties].filter(([name]) => !KNOWN.has(name));
  return { message, identity: identityOf(message), others };
}

/** Of a message that says which it is: a resend has the same. */
function identityOf(message: StreamMessageDraft): string {
  if (message.batch === "" || message.message === "") return "";
  const { group, stream, batch, slice, chunk, completesBatch, completesMessage, noPayload } = message;
  const names = [group, stream, batch, slice, message.message, chunk];
  const parts = JSON.stringify([...names, completesBatch, completesMessage, noPayload]);
  return `stream/${hash("sha256", parts, "base64url")}`;
}

/** What is no percent-encoded UTF-8 is taken as it stands. */
function decoded(text: string): string {
  let value = text;
  try {
    value = decodeURIComponent(text);
  } catch {
    // as it stands
  }
  return value
    .slice(0, limits.streamNameLength + 1)
    .replaceAll("\0", "\ufffd")
    .toWellFormed();
}

/** `{"link":"<id>"}`; "": it is no such thing, and thus the payload itself. */
function linkOf(payload: Uint8Array): string {
  try {
    const { link } = JSON.parse(Buffer.from(payload).toString("utf8")) as { link?: unknown };
    return typeof link === "string" && /^[\w.-]{1,200}$/.test(link) ? link : "";
  } catch {
    return "";
  }
}
