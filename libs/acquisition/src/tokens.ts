/** Bytes that are no acquisition document. */
export class InvalidAcquisition extends Error {
  override readonly name = "InvalidAcquisition";
  constructor(
    /** What is wrong with it, to go on after "it ". */
    readonly detail: string,
    cause?: unknown,
  ) {
    super(`not an acquisition document: it ${detail}`, { cause });
  }
}

export type Token = "map" | "array" | "end" | "text" | "number" | "null" | "other";

/** Maps and arrays in each other; a document needs four. */
export const MOST_DEPTH = 32;

/**
 * What stands in a document, one thing after the other, without making anything of it: somebody may have filled it
 * with empty lists. Both encodings are read so. Every method raises {@link InvalidAcquisition}.
 */
export interface Tokens {
  /** The next one: a map (then keys and values in turns), an array, the end of either, or a value. */
  next(): Token;
  /** Of the `number` that was read last. */
  readonly number: number;
  /** Of the `text` that was read last: where its bytes, without quotes, begin and end. */
  readonly begin: number;
  readonly end: number;
  /** Of the `text` that was read last, which may have no more than so many bytes. */
  text(most: number): string;
  /** Where the next token is looked for. */
  readonly offset: number;
}

/** Work on a long document: it pauses now and then, so that others get their turn. */
export type InTurns<T> = Generator<void, T>;

/** Tokens between two pauses: some milliseconds. */
export const TURN_TOKENS = 50_000;

/** Reads on to the end of the value whose first token this is. */
export function* skip(tokens: Tokens, first: Token): InTurns<void> {
  let depth = 0;
  let count = 0;
  for (let token = first; ; token = tokens.next()) {
    if (token === "map" || token === "array") depth++;
    else if (token === "end") depth--;
    if (depth <= 0) return;
    if (++count % TURN_TOKENS === 0) yield;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Raises {@link InvalidAcquisition}: too long, or not UTF-8. */
export function decodeText(bytes: Uint8Array, most: number): string {
  if (bytes.length > most) throw new InvalidAcquisition(`has a text of more than ${most} bytes`);
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new InvalidAcquisition("has a text that is not UTF-8", cause);
  }
}
