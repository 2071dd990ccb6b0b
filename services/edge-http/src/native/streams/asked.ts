import { endOf, type Position, type registry, signalsStream } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import { InvalidFilter, parseFilter } from "@fieldlog/filters";
import type { z } from "zod";
import { Problem } from "../problem.js";
import type { EventStreamQuery } from "../subscription-schemas.js";

export type Asked = z.output<typeof EventStreamQuery>;

const SIMPLE = ["names", "devices", "places", "actions", "sensorTypes"] as const;

/** Which events a stream is asked for; none given: all. Raises Problem 400 with the field. */
export function filtersOf(asked: Asked): readonly registry.EventFilter[] {
  const simple = Object.fromEntries(SIMPLE.flatMap((name) => (asked[name] ? [[name, asked[name]]] : [])));
  const [given] = Object.keys(simple);
  if (asked.filter === undefined) return [parsed(simple, "")];
  if (given !== undefined) refuse(given, "stands in the filter where one is given");
  return asked.filter.map((text) => parsed(jsonOf(text), "filter"));
}

/** The subscription goes by its own filters, and from where it is. Raises Problem 400. */
export function checkAlone(asked: Asked): void {
  const other = [...SIMPLE, "filter", "from"].find((name) => asked[name as keyof Asked] !== undefined);
  if (other !== undefined) refuse(other, "is not for a subscription, which has its own");
}

/** Header Last-Event-ID; undefined: it is absent or empty, which is the same. Raises Problem 400. */
export function lastEventId(header: string | string[] | undefined): Position | undefined {
  if (header === undefined || header === "") return undefined;
  const position = typeof header === "string" && /^\d{1,16}$/.test(header) ? Number(header) : Number.NaN;
  if (Number.isSafeInteger(position)) return position;
  throw new Problem(400, "The header Last-Event-ID is not a position.");
}

/** The position in the namespace's log after which to begin. Raises LogUnavailable. */
export async function startOf(
  from: Asked["from"],
  log: Pick<EventLog, "lastSequence">,
  namespace: string,
): Promise<Position> {
  if (from === "beginning") return 0;
  if (typeof from === "number") return from;
  return endOf(await log.lastSequence(signalsStream(namespace)));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse("filter", "is not JSON");
  }
}

function parsed(json: unknown, at: string): registry.EventFilter {
  try {
    return parseFilter(json);
  } catch (error) {
    if (!(error instanceof InvalidFilter)) throw error;
    return refuse([at, error.field].filter((part) => part !== "").join("."), error.detail);
  }
}

function refuse(field: string, detail: string): never {
  throw new Problem(400, `The query is not right. ${field}: ${detail}`, { errors: [{ field, detail }] });
}
