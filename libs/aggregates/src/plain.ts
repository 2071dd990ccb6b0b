/*
 * States as JSON: objects, arrays, texts, numbers, booleans, null, and what JSON lacks: `{"$bigint":"1"}`,
 * `{"$bytes":"<base64>"}`, `{"$number":"NaN"}`. A name of a state's own that begins with `$` (as the type's
 * name of a protobuf message does) gets a second one, so none is taken for these. Absent stays absent.
 */

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** Raises TypeError for what a state may not hold: functions, symbols, maps, dates, instances of classes. */
export function toJson(state: unknown): string {
  return JSON.stringify(encoded(state));
}

export function fromJson(json: string): unknown {
  return decoded(JSON.parse(json) as Json);
}

function encoded(value: unknown): Json {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: numberName(value) };
    case "bigint":
      return { $bigint: String(value) };
    case "object":
      if (value === null) return null;
      if (Array.isArray(value)) return value.map(encoded);
      if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
      return encodedRecord(value);
    default:
      throw new TypeError(`a state cannot hold a ${typeof value}`);
  }
}

function encodedRecord(record: object): Json {
  const prototype = Object.getPrototypeOf(record);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`a state cannot hold a ${record.constructor.name}`);
  }
  const fields = Object.entries(record).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    fields.map(([name, value]) => [name.startsWith("$") ? `$${name}` : name, encoded(value)]),
  );
}

function decoded(json: Json): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return json.map(decoded);
  const { $number, $bigint, $bytes } = json;
  if (typeof $number === "string") return Number($number);
  if (typeof $bigint === "string") return BigInt($bigint);
  if (typeof $bytes === "string") return Uint8Array.from(Buffer.from($bytes, "base64"));
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [
      name.startsWith("$") ? name.slice(1) : name,
      decoded(value),
    ]),
  );
}

function numberName(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
