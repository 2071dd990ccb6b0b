import { isUtf8 } from "node:buffer";
import type { HeartbeatDraft } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { isFields, Malformed, readFields, readText } from "../tenta/payload.js";

const ROOT = "heartbeats/";
const FIELDS = new Set(["status", "sensors", "rates", "latestRequest"]);
const RATE_FIELDS = new Set(["sensor", "eventCount", "windowS"]);
const STATUSES = new Set<unknown>(["update", "restart", "sleep", "shutdown", "killed", "quit"]);
const INT32_MAX = 2 ** 31 - 1;

/**
 * The heartbeat in a publish to `heartbeats/<device>`: an empty payload, or an object of the native API's form. A list,
 * or `{"heartbeats": [...]}`, is what older clients of tenta send there: undefined, as for every other topic.
 */
export function readHeartbeat(topic: string, payload: Uint8Array): HeartbeatDraft | Malformed | undefined {
  if (!topic.startsWith(ROOT)) return undefined;
  if (payload.length === 0) return draftOf({});
  const json = jsonOf(payload);
  if (!isFields(json) || "heartbeats" in json) return undefined;
  const fields = readFields(json, FIELDS);
  return fields instanceof Malformed ? fields : draftOf(fields);
}

function draftOf(fields: Readonly<Record<string, unknown>>): HeartbeatDraft | Malformed {
  const { status = "", sensors = [], rates = [], latestRequest } = fields;
  if (status !== "" && !STATUSES.has(status)) return new Malformed("status is none that is known");
  const connectedSensors = readAll(sensors, "sensors", (each) => readId(each, "sensors"));
  if (connectedSensors instanceof Malformed) return connectedSensors;
  const read = readAll(rates, "rates", readRate);
  if (read instanceof Malformed) return read;
  if (latestRequest !== undefined && !isWhole(latestRequest, Number.MAX_SAFE_INTEGER)) {
    return new Malformed("latestRequest is not a number of a request");
  }
  return {
    ...{ status: String(status), rates: read, connectedSensors, disconnectedSensors: [] },
    latestRequestId: latestRequest === undefined ? undefined : BigInt(latestRequest),
  };
}

function readAll<T>(value: unknown, name: string, read: (each: unknown) => T | Malformed): T[] | Malformed {
  if (!Array.isArray(value)) return new Malformed(`${name} is not a list`);
  if (value.length > limits.sensorsPerDevice) {
    return new Malformed(`${name} has more than ${limits.sensorsPerDevice} elements`);
  }
  const all: T[] = [];
  for (const each of value) {
    const one = read(each);
    if (one instanceof Malformed) return one;
    all.push(one);
  }
  return all;
}

function readRate(value: unknown): HeartbeatDraft["rates"][number] | Malformed {
  const fields = readFields(value, RATE_FIELDS);
  if (fields instanceof Malformed) return fields;
  const { eventCount, windowS } = fields;
  const sensor = readId(fields["sensor"], "sensor");
  if (sensor instanceof Malformed) return sensor;
  if (!isWhole(eventCount, INT32_MAX)) return new Malformed("eventCount is not an integer from 0 to 2^31");
  if (!isWhole(windowS, INT32_MAX)) return new Malformed("windowS is not an integer from 0 to 2^31");
  return { sensor, eventCount, windowS };
}

function readId(value: unknown, name: string): string | Malformed {
  const text = readText(value, name, limits.idLength);
  return text === "" ? new Malformed(`${name} has an empty id`) : text;
}

function isWhole(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
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
