import { limits, type registry } from "@fieldlog/contracts";
import { isReserved } from "@fieldlog/events";
import { parseKeepingNumbers, pythonText } from "./python-text.js";
import { Refusal, refusals } from "./refusal.js";

// What cred takes (B3 to B7). Every reader raises Refusal 400.

type Fields = ReadonlyMap<string, unknown>;

/** Subscribed names of one client. */
const SUBSCRIBED = 256;
const NO_FIELDS: Fields = new Map();
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * The body's fields. A body that says that it is neither JSON nor a form is none, as in the original; so a page
 * of another origin cannot send one unasked.
 */
export function readFields(body: Uint8Array, contentType = ""): Fields {
  if (body.length === 0) return NO_FIELDS;
  const [type = ""] = contentType.split(";", 1);
  switch (type.trim().toLowerCase()) {
    case "application/json":
      return readJson(body);
    case "application/x-www-form-urlencoded":
      return new Map(new URLSearchParams(Buffer.from(body).toString()));
    default:
      return NO_FIELDS;
  }
}

function readJson(body: Uint8Array): Fields {
  let json: unknown;
  try {
    json = parseKeepingNumbers(utf8.decode(body));
  } catch (error) {
    throw error instanceof Refusal ? error : refusals.invalid("The body is not JSON.");
  }
  if (json === null) return NO_FIELDS;
  return new Map(Object.entries(objectOf(json, "body")));
}

function objectOf(value: unknown, name: string): object {
  if (typeof value === "object" && value !== null && !Array.isArray(value) && isPlain(value)) return value;
  throw refusals.invalid(`${name}: must be an object`);
}

function isPlain(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype;
}

/** A text, whatever it was; absent: null, or not given. */
export function readText(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  const text = pythonText(value);
  if (text.length > limits.textLength) {
    throw refusals.invalid(`${name}: must be at most ${limits.textLength} characters`);
  }
  if (text.includes("\u0000") || !text.isWellFormed()) throw refusals.invalid(`${name}: must be a text`);
  return text;
}

/** The field of /auth: in the body or in the query. */
export function readArgument({ fields, query }: { fields: Fields; query: URLSearchParams }, name: string) {
  return fields.get(name) ?? query.get(name) ?? undefined;
}

export interface EventFields {
  readonly name: string | undefined;
  readonly location: string | undefined;
  readonly action: string | undefined;
  readonly value: string | undefined;
}

/** B5: nothing is required. */
export function readEvent(fields: Fields): EventFields {
  const event = fields.get("event");
  const given = new Map(
    Object.entries(event === undefined || event === null ? {} : objectOf(event, "event")),
  );
  const text = (name: string) => readText(given.get(name), name);
  const eventName = text("name");
  if (isReserved(eventName ?? "")) throw refusals.invalid(`name: ${eventName} is the platform's to say`);
  if (Buffer.byteLength(eventName ?? "") > limits.textLength) {
    throw refusals.invalid(`name: must be at most ${limits.textLength} bytes`);
  }
  return { name: eventName, location: text("location"), action: text("action"), value: text("value") };
}

export type EventFilterInit = Pick<registry.EventFilter, "names" | "places">;

/** B6: by event name, each at one place or anywhere. */
export function readSubscribe(value: unknown): EventFilterInit[] {
  if (value === undefined || value === null || value === "") return [];
  const entries = Object.entries(objectOf(value, "subscribe"));
  if (entries.length > SUBSCRIBED) throw refusals.invalid(`subscribe: at most ${SUBSCRIBED} names`);
  return entries.map(([given, how]) => {
    const name = readText(given, "subscribe") ?? "";
    const place = typeof how === "string" ? undefined : locationOf(objectOf(how, `subscribe.${name}`));
    return { names: [name], places: place === undefined ? [] : [place] };
  });
}

function locationOf(how: object): string | undefined {
  return readText(new Map(Object.entries(how)).get("location"), "subscribe.location");
}

/** Which part of a list (B7): newest first, bounds exclusive. */
export interface Window {
  readonly full: boolean;
  readonly before: number | undefined;
  readonly after: number | undefined;
  /** Infinity: all. */
  readonly limit: number;
  readonly offset: number;
}

const LARGEST_OFFSET = 2 ** 31 - 1;

export function readWindow(query: URLSearchParams): Window {
  const limit = readInteger(query, "limit");
  const full = query.get("full") ?? "";
  return {
    full: full !== "" && full.toLowerCase() !== "false",
    before: readInteger(query, "before"),
    after: readInteger(query, "after"),
    limit: limit === undefined || limit < 0 ? Number.POSITIVE_INFINITY : limit,
    offset: Math.min(LARGEST_OFFSET, Math.max(0, readInteger(query, "offset") ?? 0)),
  };
}

/** Beyond what an id can be, it is all the same. */
function readInteger(query: URLSearchParams, name: string): number | undefined {
  const given = query.get(name) ?? "";
  if (given === "") return undefined;
  if (!/^\s*[+-]?\d+\s*$/.test(given)) throw refusals.invalid(`${name}: must be an integer`);
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(-1, Number(given)));
}
