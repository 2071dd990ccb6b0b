import type { Chance } from "../chance.js";

/** Numbers at which decoders err. */
const BYTES = [0, 1, 0x0a, 0x20, 0x22, 0x2f, 0x7f, 0x80, 0xc0, 0xfe, 0xff];
const WORDS = [
  ...["0", "-1", "1e400", "-0", "9007199254740993", "4294967296", "2147483648", "NaN", "Infinity", "null"],
  ...["\0", "\ufffd", "\ud83d\ude00", "%", "%00", "%2F", "%ff", "..", "../", "__proto__", "constructor"],
  ...[
    "\\",
    '"',
    "\\u0000",
    "\\ud800",
    "\r\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    ";",
    "=",
    "&",
    "*",
    "#",
    "+",
    "$",
  ],
].map((word) => Buffer.from(word));
const MOST_EDITS = 5;
const BLOCK = 64;
/** What decoders go over, count, or look for an end of. */
const REPEATED = Buffer.from(" \t\n0aZ.,:;=&%*+-_/\\\"'[{(<\0\x80\xff", "latin1").toJSON().data;
/** Bytes of the largest input: what takes the square of its size shows. */
const LARGEST = 256 * 1024;

/** What there is to choose from besides the input itself. */
export interface Around {
  readonly words: readonly Uint8Array[];
  /** Another input of the same target. */
  readonly other: Uint8Array;
}

/** The input with some of its bytes changed, taken out, put in, or put elsewhere. */
export function mutateBytes(chance: Chance, input: Uint8Array, around: Around): Uint8Array {
  let bytes = Buffer.from(input);
  for (let edits = 1 + chance.below(MOST_EDITS); edits > 0; edits--) bytes = edited(chance, bytes, around);
  return bytes;
}

function edited(chance: Chance, bytes: Buffer, { words, other }: Around): Buffer<ArrayBuffer> {
  const at = chance.below(bytes.length + 1);
  const length = chance.length(Math.min(BLOCK, bytes.length - at));
  const put = (part: Uint8Array, instead = 0) =>
    Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at + instead)]);
  switch (chance.below(13)) {
    case 0:
      return put(Buffer.of((bytes[at] ?? 0) ^ (1 << chance.below(8))), 1);
    case 1:
      return put(Buffer.of(chance.of(BYTES)), 1);
    case 2:
      return put(Buffer.of((bytes[at] ?? 0) + chance.below(71) - 35), 1);
    case 11:
      return put(Buffer.of(printable(chance)), chance.below(2));
    case 3:
      return put(randomBytes(chance, chance.length(BLOCK)));
    case 4:
    case 5:
      return put(Buffer.alloc(0), length);
    case 6:
      return put(bytes.subarray(at, at + length));
    case 7:
      return put(
        Buffer.concat(Array(2 + chance.length(8)).fill(bytes.subarray(at, at + Math.min(length, 8)))),
      );
    case 8:
      return put(integer(chance), chance.oneIn(2) ? 4 : 0);
    case 9:
      return put(chance.of(words.length > 0 && !chance.oneIn(3) ? words : WORDS));
    case 10:
      return put(piece(chance, other), chance.oneIn(2) ? length : 0);
    default:
      return put(piece(chance, bytes), chance.oneIn(2) ? length : 0);
  }
}

function piece(chance: Chance, from: Uint8Array): Uint8Array {
  const at = chance.below(from.length + 1);
  return from.subarray(at, at + chance.length(BLOCK));
}

function printable(chance: Chance): number {
  return 0x20 + chance.below(95);
}

function randomBytes(chance: Chance, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => chance.below(256)));
}

/** Of 1, 2, 4 or 8 bytes, in either order, near a power of two. */
function integer(chance: Chance): Buffer {
  const width = chance.of([1, 2, 4, 8]);
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, 2n ** BigInt(chance.below(65)) + BigInt(chance.below(3) - 1)));
  const cut = bytes.subarray(8 - width);
  return chance.oneIn(2) ? cut : Buffer.from(cut).reverse();
}

/** A large input: a piece of this one, again and again, where it stood. */
export function grown(chance: Chance, input: Uint8Array, mostBytes: number): Uint8Array {
  const begin = chance.below(input.length + 1);
  const part = input.subarray(begin, begin + Math.max(1, chance.length(chance.oneIn(2) ? 8 : input.length)));
  const repeated = part.length === 0 || chance.oneIn(3) ? Buffer.of(chance.of(REPEATED)) : part;
  const room = Math.max(0, Math.min(mostBytes, LARGEST) - input.length);
  const times = Math.floor((chance.oneIn(2) ? room : chance.length(room)) / repeated.length);
  const middle = Buffer.alloc(times * repeated.length, repeated);
  // What takes long is often what is never closed, or fails at last and is tried in every other way.
  const wrong = chance.oneIn(2) ? Buffer.of(printable(chance)) : Buffer.alloc(0);
  const end = chance.oneIn(3) ? Buffer.alloc(0) : input.subarray(begin);
  return Buffer.concat([input.subarray(0, begin), middle, wrong, end]).subarray(0, mostBytes);
}
