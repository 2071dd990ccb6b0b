import { Buffer } from "node:buffer";

// Reading protobuf by hand, for what is read for every signal: a third of the time that the generated reader
// takes. It knows the plain form in which the edges write; anything else, such as negative times or text
// beyond ASCII, is left to the generated reader. Tests hold each use of it against that.

export const VARINT = 0;
export const BIT64 = 1;
export const BYTES = 2;
const BIT32 = 5;

/** What stands before a field's value (Protocol Buffers, "Encoding"). */
export const tag = (field: number, wire: number) => (field << 3) | wire;

/** Seven bytes: more than any time of this age needs, and exact in a number. */
const LONGEST_VARINT = 2 ** 49;
const INT32_MAX = 0x7fffffff;

export const NOT_PLAIN = new Error("not the plain form");

/** What `read` returns; undefined: not in the plain form, or no such message, which the generated reader will tell. */
export function ifPlain<R>(read: () => R): R | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Goes through a message; each method reads what stands there and goes behind it, or raises {@link NOT_PLAIN}. */
export class WireReader {
  at = 0;
  readonly bytes: Buffer;
  private readonly view: DataView;

  constructor(data: Uint8Array) {
    this.bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  /** Where what comes next ends, by the length before it. */
  end(): number {
    const length = this.varint();
    const end = this.at + length;
    if (end > this.bytes.length) throw NOT_PLAIN;
    return end;
  }

  /** The bytes that come next, not copied. */
  part(): Buffer {
    const end = this.end();
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }

  text(): string {
    const end = this.end();
    const begin = this.at;
    for (let i = begin; i < end; i++) if ((this.bytes[i] as number) > 0x7f) throw NOT_PLAIN;
    this.at = end;
    return this.bytes.toString("latin1", begin, end);
  }

  doubles(into: number[], end: number): void {
    while (this.at < end) into.push(this.double());
    this.mustBeAt(end);
  }

  double(): number {
    const value = this.view.getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  int32(): number {
    const value = this.varint();
    if (value > INT32_MAX) throw NOT_PLAIN;
    return value;
  }

  varint(): number {
    let value = 0;
    for (let unit = 1; unit < LONGEST_VARINT; unit *= 0x80) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw NOT_PLAIN;
      if (byte < 0x80) return value + byte * unit;
      value += (byte & 0x7f) * unit;
    }
    throw NOT_PLAIN;
  }

  /**
   * Goes over the value of a field that the message did not have when this was written.
   * @param known the highest number of those that it had: one of them in another wire type is not plain
   */
  skip(field: number, known: number): void {
    if (field >>> 3 <= known) throw NOT_PLAIN;
    const wire = field & 7;
    if (wire === BYTES) this.at = this.end();
    else if (wire === VARINT) this.varint();
    else if (wire === BIT64) this.at += 8;
    else if (wire === BIT32) this.at += 4;
    else throw NOT_PLAIN;
  }

  mustBeAt(end: number): void {
    if (this.at !== end) throw NOT_PLAIN;
  }
}
