/** Lists and maps in each other, and values in all, that a message may have: a record of a model's results has some hundreds. */
const DEPTH = 16;
const VALUES = 20_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN = new Set(Buffer.from("[{"));
const CLOSE = new Set(Buffer.from("]}"));

/**
 * Whether the bytes of a JSON text may be parsed: what they would become is bounded. Says nothing of whether they are
 * JSON. A long text, as a picture in base64 is one, costs next to nothing.
 */
export function isBoundedJson(bytes: Buffer): boolean {
  let values = 1;
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) at = endOfText(bytes, at);
    else if (byte === COMMA) values++;
    else if (OPEN.has(byte)) {
      values++;
      depth++;
    } else if (CLOSE.has(byte)) depth--;
    if (depth > DEPTH || values > VALUES) return false;
  }
  return true;
}

/** Where the text ends that begins at a quotation mark. */
function endOfText(bytes: Buffer, start: number): number {
  for (let at = start + 1; ; at++) {
    at = bytes.indexOf(QUOTE, at);
    if (at === -1) return bytes.length;
    let escapes = 0;
    while (bytes[at - 1 - escapes] === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return at;
  }
}

const ARRAY = 4;
const MAP = 5;
const TAG = 6;
const SIMPLE = 7;
const INDEFINITE = 31;
const BREAK = 0xff;

/** The same of CBOR (RFC 8949). Where a length goes beyond the bytes, or a head is none, it is not bounded. */
export function isBoundedCbor(bytes: Buffer): boolean {
  /** Of each list, map and text that is open: how many values are to come; until a break: infinitely many. */
  const open: number[] = [1];
  let values = 0;
  let at = 0;
  while (open.length > 0) {
    const head = headAt(bytes, at);
    if (head === undefined || ++values > VALUES) return false;
    at += head.bytes;
    if (head.major === SIMPLE && head.byte === BREAK) {
      if (open.pop() !== Number.POSITIVE_INFINITY) return false;
    } else open[open.length - 1] = (open.at(-1) as number) - 1;
    at += head.content;
    if (at > bytes.length) return false;
    if (head.inside > 0 && open.push(head.inside) > DEPTH + 1) return false;
    while (open.at(-1) === 0) open.pop();
  }
  return true;
}

interface Head {
  readonly byte: number;
  readonly major: number;
  /** Of the head itself. */
  readonly bytes: number;
  /** Bytes of a text's content behind it. */
  readonly content: number;
  /** Values in it. */
  readonly inside: number;
}

function headAt(bytes: Buffer, at: number): Head | undefined {
  const byte = bytes[at];
  if (byte === undefined) return undefined;
  const major = byte >> 5;
  const minor = byte & 31;
  if (minor === INDEFINITE) {
    if (major < 2 || major === TAG) return undefined;
    return { byte, major, bytes: 1, content: 0, inside: major === SIMPLE ? 0 : Number.POSITIVE_INFINITY };
  }
  const width = minor < 24 ? 0 : 2 ** (minor - 24);
  if (width > 8 || at + 1 + width > bytes.length) return undefined;
  const argument = argumentAt(bytes, at + 1, width, minor);
  const isText = major === 2 || major === 3;
  const inside = major === ARRAY ? argument : major === MAP ? argument * 2 : major === TAG ? 1 : 0;
  if (inside > VALUES) return undefined;
  return { byte, major, bytes: 1 + width, content: isText ? argument : 0, inside };
}

function argumentAt(bytes: Buffer, at: number, width: number, minor: number): number {
  if (width === 0) return minor;
  return width === 8 ? Number(bytes.readBigUInt64BE(at)) : bytes.readUIntBE(at, width);
}
