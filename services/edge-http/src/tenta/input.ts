import { z } from "zod";
import { roles } from "./operations.js";
import { refusals } from "./refusal.js";

// A3.4: what tenta takes. Every reader raises Refusal 400.

const NAME = /^[a-z0-9](?:-?[a-z0-9])*$/;
/** Lower case, version 4: what is written otherwise is no identifier (A3). Of networks in a further shard, version 8. */
const UUID = /^[a-f0-9]{8}-[a-f0-9]{4}-[48][a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}$/;

/** Of a user, a network or a sensor. */
export const Name = z
  .string()
  .refine((text) => text.length <= 64 && NAME.test(text), "must be 1 to 64 of a-z, 0-9 and single - between");

/** Characters are counted as Unicode has them, not as UTF-16 does. */
const Password = z.string().refine((text) => {
  const characters = text.length > 1_024 ? Number.POSITIVE_INFINITY : [...text].length;
  return characters >= 8 && characters <= 256 && text.isWellFormed();
}, "must be 8 to 256 characters");

export const Credentials = z.strictObject({ user_name: Name, password: Password });
export const NewNetwork = z.strictObject({ network_name: Name });
export const SensorName = z.strictObject({ sensor_name: Name });
export const MemberRole = z.strictObject({ role: z.enum(roles) });
export const Nothing = z.strictObject({});

/** The body as JSON; an empty one is `{}`. Raises Refusal 400. */
export function readJson(body: Uint8Array): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(utf8.decode(body));
  } catch {
    throw refusals.invalid("The body is not JSON.");
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

export function readFields<S extends z.ZodType>(schema: S, body: Uint8Array): z.output<S> {
  const result = schema.safeParse(readJson(body));
  if (result.success) return result.data;
  const wrong = result.error.issues.map((issue) => {
    const path = [...issue.path, ...("keys" in issue ? [String(issue.keys)] : [])].join(".");
    return path === "" ? issue.message : `${path}: ${issue.message}`;
  });
  throw refusals.invalid(`The body is not right. ${wrong.join("; ")}`);
}

/** A configuration as it was written: its numbers are not to lose digits on the way. Its size is the decision's matter. */
export function readConfiguration(body: Uint8Array): string {
  const value = readJson(body);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refusals.invalid("A configuration is a JSON object.");
  }
  return body.length === 0 ? "{}" : utf8.decode(body).trim();
}

/** Identifiers and names in the path; by the parameter's name. */
export function readPath(params: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(params)) {
    const right = name === "user_name" ? value.length <= 64 && NAME.test(value) : UUID.test(value);
    if (!right) throw refusals.invalid(`${name}: not one`);
  }
}

/** What a page begins behind. Absent: with the first, or before the last. */
export interface Cursor {
  readonly previous: boolean;
  readonly at: number | undefined;
}

type Query = ReadonlyMap<string, string>;

/** The query; of a key that is there twice the last value. Raises Refusal 400 for keys that are not known. */
export function readQuery(url: string, known: readonly string[]): Query {
  const begin = url.indexOf("?");
  const query = new Map(begin < 0 ? [] : new URLSearchParams(url.slice(begin)));
  for (const key of query.keys()) {
    if (!known.includes(key)) throw refusals.invalid(`${key}: not known in the query`);
  }
  return query;
}

/** A3.5: `direction` and a cursor, which is a revision or a time. */
export function readCursor(query: Query, name: "revision" | "creation_timestamp"): Cursor {
  const direction = query.get("direction") ?? "next";
  if (direction !== "next" && direction !== "previous") {
    throw refusals.invalid("direction: must be next or previous");
  }
  const given = query.get(name);
  const read = name === "revision" ? readRevision : readTime;
  return { previous: direction === "previous", at: given === undefined ? undefined : read(given) };
}

/** Whole numbers as tenta's validator reads them: "1", "1.0", " 1", "1_000". */
function readRevision(text: string): number {
  const value = /^[+-]?\d+(?:_\d+)*(?:\.0+)?$/.test(text.trim()) ? number(text) : Number.NaN;
  if (!(value >= 0)) throw refusals.invalid("revision: must be a whole number, 0 or more");
  // Behind what any revision can be, it is all the same.
  return Math.min(value, 0xffff_ffff);
}

/** Seconds since 1970. The newer generation takes infinite ones, which are then the ends of time; none takes NaN here. */
function readTime(text: string): number {
  const trimmed = text.trim();
  const infinite = /^([+-]?)inf(?:inity)?$/i.exec(trimmed);
  if (infinite !== null) return infinite[1] === "-" ? -Number.MAX_VALUE : Number.MAX_VALUE;
  const value = /^[+-]?(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(trimmed)
    ? number(trimmed)
    : Number.NaN;
  if (Number.isNaN(value)) throw refusals.invalid("creation_timestamp: must be a number");
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
}

function number(text: string): number {
  return Number(text.trim().replaceAll("_", ""));
}

const TRUE = new Set(["1", "on", "t", "true", "y", "yes"]);
const FALSE = new Set(["0", "off", "f", "false", "n", "no"]);

export function readFlag(query: Query, name: string): boolean {
  const given = query.get(name)?.toLowerCase() ?? "false";
  if (TRUE.has(given)) return true;
  if (FALSE.has(given)) return false;
  throw refusals.invalid(`${name}: must be true or false`);
}
