import { limits } from "@fieldlog/contracts";
import { InvalidAcquisition, type Token, type Tokens } from "./tokens.js";

/** Fields of one map that is looked into. */
const MOST_FIELDS = 256;

/**
 * The names of a map's fields; whoever takes one reads its value. Raises {@link InvalidAcquisition}: no map, a field
 * twice, too many of them.
 */
export function* fieldsIn(tokens: Tokens, first: Token = tokens.next()): Generator<string, void> {
  if (first !== "map") throw new InvalidAcquisition("has something else where an object is to be");
  const seen = new Set<string>();
  for (let token = tokens.next(); token !== "end"; token = tokens.next()) {
    if (token !== "text") throw new InvalidAcquisition("has a field whose name is no text");
    const name = tokens.text(limits.textLength);
    if (seen.has(name)) throw new InvalidAcquisition(`has a field twice: ${JSON.stringify(name)}`);
    if (seen.size === MOST_FIELDS) throw new InvalidAcquisition(`has more than ${MOST_FIELDS} fields`);
    seen.add(name);
    yield name;
  }
}

export function textIn(tokens: Tokens, field: string): string {
  return needed(optionalText(tokens, field), field);
}

/** undefined: null, or empty. */
export function optionalText(tokens: Tokens, field: string): string | undefined {
  const token = tokens.next();
  if (token === "null") return undefined;
  if (token !== "text") throw new InvalidAcquisition(`has a ${field} that is no text`);
  const text = tokens.text(limits.textLength);
  if (text.includes("\u0000")) throw new InvalidAcquisition(`has a ${field} with a NUL`);
  return text || undefined;
}

/** From 0 on. */
export function numberIn(tokens: Tokens, field: string): number {
  if (tokens.next() !== "number" || !(tokens.number >= 0 && Number.isFinite(tokens.number))) {
    throw new InvalidAcquisition(`has a ${field} that is no number from 0 on`);
  }
  return tokens.number;
}

export function needed<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new InvalidAcquisition(`has no ${field}`);
  return value;
}
