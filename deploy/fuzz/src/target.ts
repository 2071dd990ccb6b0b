import { isDeepStrictEqual } from "node:util";

/** How most of its inputs are built: they are changed so that they stay what they are. */
export type Shape = "bytes" | "text" | "json" | "protobuf" | "cbor";

/** A decoder of bytes that others send. */
export interface Target {
  /** "csn/event". */
  readonly name: string;
  readonly shape: Shape;
  /** Inputs that it takes, most of them. */
  readonly seeds: readonly Uint8Array[];
  /** What its inputs are made of, to be put into others. */
  readonly words?: readonly string[];
  /** Bytes of the largest input that gets as far as to it. */
  readonly mostBytes: number;
  /** Bytes up to which it unpacks whatever comes; its bounds are those of an input of that size. Default: it unpacks nothing. */
  readonly growsTo?: number;
  /**
   * Decodes. Returns whether it took it: false where it refused as it says that it refuses. Raises anything else. The time
   * and the memory that it takes are watched by who calls it.
   */
  run(input: Uint8Array): boolean | Promise<boolean>;
}

/** What was encoded is not what comes out of it. */
export class NotTheSame extends Error {
  override readonly name = "NotTheSame";

  constructor(
    readonly first: unknown,
    readonly again: unknown,
  ) {
    super("what was decoded, encoded and decoded again is something else");
  }
}

type ErrorClass = abstract new (...given: never[]) => object;

export interface Decoding<T> {
  /** The classes of what it may raise. Default: none. */
  readonly raises?: readonly ErrorClass[];
  /** Whether what it returns says that it refuses. Default: nothing does. */
  readonly refuses?: (value: T) => boolean;
  /** Of what was decoded; undefined: that is not to be encoded. */
  readonly encode?: (value: T) => Uint8Array | undefined;
}

/** What a target does with a decoder. */
export function decoding<T>(
  decode: (input: Uint8Array) => T,
  { raises = [], refuses = () => false, encode }: Decoding<T> = {},
): (input: Uint8Array) => boolean {
  return (input) => {
    let value: T;
    try {
      value = decode(input);
    } catch (error) {
      return refused(error, raises);
    }
    const encoded = encode?.(value);
    if (encoded !== undefined) {
      const again = decode(encoded);
      if (!isDeepStrictEqual(again, value)) throw new NotTheSame(value, again);
    }
    return !refuses(value);
  };
}

/** {@link decoding} of what decodes in turns. */
export function decodingLater(
  decode: (input: Uint8Array) => Promise<unknown>,
  { raises = [] }: Pick<Decoding<unknown>, "raises"> = {},
): (input: Uint8Array) => Promise<boolean> {
  return async (input) => {
    try {
      await decode(input);
      return true;
    } catch (error) {
      return refused(error, raises);
    }
  };
}

/** Raises what may not be raised. */
function refused(error: unknown, raises: readonly ErrorClass[]): false {
  if (raises.some((declared) => error instanceof declared)) return false;
  throw error;
}

/** As a text: UTF-8. */
export const textOf = (input: Uint8Array): string => Buffer.from(input).toString("utf8");

/** As what stands in a header: a byte a character, without line breaks and NUL. */
export const headerOf = (input: Uint8Array): string =>
  Buffer.from(input)
    .toString("latin1")
    .replaceAll(/[\r\n\0]/g, " ");

/** An input that stands for several: they are between line breaks, the last one goes to the end. */
export function partsOf(input: Uint8Array, count: number): Buffer[] {
  let rest = Buffer.from(input);
  const parts: Buffer[] = [];
  while (parts.length < count - 1) {
    const end = rest.indexOf(0x0a);
    parts.push(end < 0 ? rest : rest.subarray(0, end));
    rest = end < 0 ? Buffer.alloc(0) : rest.subarray(end + 1);
  }
  return [...parts, rest];
}

/** Texts as inputs. */
export const texts = (...all: string[]): Uint8Array[] => all.map((text) => Buffer.from(text));

/** JSON as inputs. */
export const jsons = (...all: unknown[]): Uint8Array[] =>
  all.map((json) => Buffer.from(JSON.stringify(json)));
