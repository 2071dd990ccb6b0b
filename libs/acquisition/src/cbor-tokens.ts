import { decodeText, InvalidAcquisition, MOST_DEPTH, type Token, type Tokens } from "./tokens.js";

/** Of a map or an array that says where it ends, not how long it is. */
const UNTIL_BREAK = -1;
const INDEFINITE = 31;

/** CBOR (RFC 8949), without texts and byte strings in pieces, which no client sends. */
export class CborTokens implements Tokens {
  number = 0;
  begin = 0;
  end = 0;
  private readonly view: DataView;
  /** The open maps and arrays: how many keys and values, or elements, are still to come. */
  private readonly open: number[] = [];

  constructor(
    bytes: Uint8Array,
    public offset = 0,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  next(): Token {
    const left = this.open.at(-1);
    if (left === 0) {
      this.open.pop();
      return "end";
    }
    if (left !== undefined && left > 0) this.open[this.open.length - 1] = left - 1;
    for (;;) {
      const first = this.take(1).getUint8(this.offset - 1);
      const major = first >> 5;
      const info = first & 31;
      // A tag says something about what follows, which is not needed here.
      if (major === 6) this.length(info);
      else return major === 7 ? this.simple(info, left) : this.item(major, info);
    }
  }

  text(most: number): string {
    const { buffer, byteOffset } = this.view;
    return decodeText(new Uint8Array(buffer, byteOffset + this.begin, this.end - this.begin), most);
  }

  private item(major: number, info: number): Token {
    if (info === INDEFINITE && major >= 4) return this.enter(major, UNTIL_BREAK);
    const length = this.length(info);
    switch (major) {
      case 0:
        this.number = length;
        return "number";
      case 1:
        this.number = -1 - length;
        return "number";
      case 4:
        return this.enter(major, length);
      case 5:
        return this.enter(major, length * 2);
      default:
        this.begin = this.offset;
        this.take(length);
        this.end = this.offset;
        return major === 3 ? "text" : "other";
    }
  }

  private enter(major: number, length: number): Token {
    if (this.open.length >= MOST_DEPTH) throw new InvalidAcquisition("is nested too deeply");
    this.open.push(length);
    return major === 5 ? "map" : "array";
  }

  private simple(info: number, left: number | undefined): Token {
    switch (info) {
      case 22:
      case 23:
        return "null";
      case 24:
        this.take(1);
        return "other";
      case 25:
        this.number = halfAt(this.take(2), this.offset - 2);
        return "number";
      case 26:
        this.number = this.take(4).getFloat32(this.offset - 4);
        return "number";
      case 27:
        this.number = this.take(8).getFloat64(this.offset - 8);
        return "number";
      case INDEFINITE:
        if (left !== UNTIL_BREAK) throw this.unexpected();
        this.open.pop();
        return "end";
      default:
        if (info > 24) throw this.unexpected();
        return "other";
    }
  }

  private length(info: number): number {
    if (info < 24) return info;
    switch (info) {
      case 24:
        return this.take(1).getUint8(this.offset - 1);
      case 25:
        return this.take(2).getUint16(this.offset - 2);
      case 26:
        return this.take(4).getUint32(this.offset - 4);
      case 27:
        return Number(this.take(8).getBigUint64(this.offset - 8));
      default:
        throw this.unexpected();
    }
  }

  /** Goes on behind so many bytes. */
  private take(bytes: number): DataView {
    if (bytes > this.view.byteLength - this.offset) throw new InvalidAcquisition("breaks off");
    this.offset += bytes;
    return this.view;
  }

  private unexpected(): InvalidAcquisition {
    return new InvalidAcquisition(`is not CBOR before byte ${this.offset}`);
  }
}

/** An IEEE 754 number of 16 bits. */
function halfAt(view: DataView, offset: number): number {
  const half = view.getUint16(offset);
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
