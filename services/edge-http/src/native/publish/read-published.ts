import type { IncomingHttpHeaders } from "node:http";
import { limits } from "@fieldlog/contracts";
import {
  InvalidEvent,
  type PublishedEvent,
  parseBinary,
  parseEvent,
  parseStructured,
} from "@fieldlog/events";
import { Problem } from "../problem.js";

/** What a request publishes: one event, or several of which each is taken or refused by itself. */
export type Published = PublishedEvent | readonly (PublishedEvent | InvalidEvent)[];

const ATTRIBUTE = "ce-";
const TAKEN =
  "application/json, application/cloudevents+json, application/cloudevents-batch+json, or any with ce-specversion and further ce- headers";

/**
 * Reads a request's events by its content type: CloudEvents in structured, batch or binary mode (HTTP protocol
 * binding 1.0.2, section 3), or our short form, one or a list. Raises Problem 400, 413, 415; InvalidEvent.
 */
export function readPublished(headers: IncomingHttpHeaders, body: Uint8Array): Published {
  const contentType = headers["content-type"] ?? "";
  const type = (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
  if (type === "application/cloudevents-batch+json") return several(parsed(body));
  if (type === "application/cloudevents+json") return parseStructured(objectOf(parsed(body)));
  if (headers["ce-specversion"] !== undefined) return parseBinary(attributesOf(headers), contentType, body);
  if (type !== "application/json" && type !== "") throw new Problem(415, `Send ${TAKEN}.`);
  const json = parsed(body);
  return Array.isArray(json) ? several(json) : parseEvent(json);
}

function several(json: unknown): (PublishedEvent | InvalidEvent)[] {
  if (!Array.isArray(json)) throw new Problem(400, "The body is not a list of events.");
  if (json.length === 0) throw new Problem(400, "The list of events is empty.");
  if (json.length > limits.eventsPerRequest) {
    throw new Problem(413, `A request holds at most ${limits.eventsPerRequest} events.`);
  }
  return json.map((each) => {
    try {
      return parseEvent(each);
    } catch (error) {
      if (error instanceof InvalidEvent) return error;
      throw error;
    }
  });
}

/** Section 3.1.3: each attribute is a header, its value percent-encoded. */
function attributesOf(headers: IncomingHttpHeaders): [name: string, value: string][] {
  return Object.entries(headers).flatMap(([header, value]) => {
    if (!header.startsWith(ATTRIBUTE)) return [];
    const name = header.slice(ATTRIBUTE.length);
    if (typeof value !== "string") throw new InvalidEvent(name, "must be there once");
    try {
      return [[name, decodeURIComponent(value)] as [string, string]];
    } catch {
      throw new InvalidEvent(name, "is not percent-encoded UTF-8");
    }
  });
}

function objectOf(json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json === "object" && json !== null && !Array.isArray(json))
    return json as Record<string, unknown>;
  throw new InvalidEvent("", "must be an object");
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body));
  } catch {
    throw new Problem(400, "The body is not JSON.");
  }
}
