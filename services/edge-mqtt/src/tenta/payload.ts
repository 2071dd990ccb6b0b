import { isUtf8 } from "node:buffer";
import { limits } from "@fieldlog/contracts";

/** What is wrong with a payload, for people. */
export class Malformed {
  constructor(readonly reason: string) {}
}

/** A list as it was sent: in an object under `key` (as older clients do), or bare. */
export interface List {
  readonly elements: readonly unknown[];
  readonly wrapped: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** JSON has one kind of number; whether an integer was written as one shows only in its text. */
const BROKEN_REVISION = /"revision"\s*:\s*-?\d+[.eE]/;
const LIMIT_31 = 2 ** 31;

/** tenta reference A1.2: the list of a payload, of which nothing but the list is looked at. */
export function readList(payload: Uint8Array, key: string): List | Malformed {
  if (!isUtf8(payload)) return new Malformed("the payload is not UTF-8");
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return new Malformed("the payload is not JSON");
  }
  if (BROKEN_REVISION.test(text)) return new Malformed("revision is not an integer");
  const wrapped = !Array.isArray(value);
  const list = wrapped && isFields(value) ? onlyField(value, key) : value;
  if (!Array.isArray(list)) return new Malformed(`the payload is neither a list nor {"${key}": [...]}`);
  if (list.length === 0) return new Malformed("the list is empty");
  if (list.length > limits.elementsPerMessage) {
    return new Malformed(`the list has more than ${limits.elementsPerMessage} elements`);
  }
  return { elements: list, wrapped };
}

function onlyField(value: Fields, key: string): unknown {
  const keys = Object.keys(value);
  return keys.length === 1 && keys[0] === key ? value[key] : undefined;
}

/** An object of which every key is one of those. */
export function readFields(value: unknown, keys: ReadonlySet<string>): Fields | Malformed {
  if (!isFields(value)) return new Malformed("is not an object");
  for (const key of Object.keys(value)) {
    if (!keys.has(key)) return new Malformed(`has the unknown field ${JSON.stringify(key.slice(0, 64))}`);
  }
  return value;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A1.3: Unix seconds. Older clients are held to 0 <= t < 2^31, newer ones may send any finite number. */
export function readTimestamp(value: unknown, wrapped: boolean): number | Malformed {
  if (typeof value !== "number") return new Malformed("timestamp is not a number");
  if (!Number.isFinite(value)) return new Malformed("timestamp is not a finite number");
  if (wrapped && (value < 0 || value >= LIMIT_31)) return new Malformed("timestamp is not from 0 to 2^31");
  return value;
}

/** A1.3: an integer from 0 below 2^31; undefined where it is absent or null. */
export function readRevision(value: unknown): number | undefined | Malformed {
  if (value === undefined || value === null) return undefined;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < LIMIT_31) {
    return value as number;
  }
  return new Malformed("revision is not an integer from 0 to 2^31");
}

/** At most so many characters of a text, which must not hold U+0000. */
export function readText(value: unknown, name: string, most: number): string | Malformed {
  if (typeof value !== "string") return new Malformed(`${name} is not a text`);
  if (value.includes("\u0000")) return new Malformed(`${name} contains U+0000`);
  if (value.length <= most) return value;
  let end = 0;
  let count = 0;
  for (const character of value) {
    if (count++ === most) break;
    end += character.length;
  }
  return value.slice(0, end);
}

/** All elements as `read` gives them, or what is wrong with the first that is wrong: then none is good. */
export function readAll<T>(
  { elements, wrapped }: List,
  read: (element: unknown, wrapped: boolean) => T | Malformed,
): T[] | Malformed {
  const all: T[] = [];
  for (let i = 0; i < elements.length; i++) {
    const one = read(elements[i], wrapped);
    if (one instanceof Malformed) return new Malformed(`element ${i}: ${one.reason}`);
    all.push(one);
  }
  return all;
}
