/** CBOR as firmware writes it: maps and lists of indefinite length, every number that is no integer in double precision. */
export function write(value: unknown): Buffer {
  if (typeof value === "boolean") return Buffer.of(value ? 0xf5 : 0xf4);
  if (typeof value === "string") {
    return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  }
  if (typeof value === "number") return number(value);
  const inside = Array.isArray(value)
    ? value.map(write)
    : Object.entries(value as object).flatMap(([key, each]) => [write(key), write(each)]);
  return Buffer.concat([Buffer.of(Array.isArray(value) ? 0x9f : 0xbf), ...inside, Buffer.of(0xff)]);
}

function number(value: number): Buffer {
  if (Number.isInteger(value) && value >= 0) return head(0, value);
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xfb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function head(major: number, argument: number): Buffer {
  if (argument < 24) return Buffer.of((major << 5) | argument);
  if (argument < 256) return Buffer.of((major << 5) | 24, argument);
  if (argument < 65_536) return Buffer.of((major << 5) | 25, argument >> 8, argument & 255);
  const bytes = Buffer.alloc(5);
  bytes[0] = (major << 5) | 26;
  bytes.writeUInt32BE(argument, 1);
  return bytes;
}

/** Reads what it knows, one value after another, as firmware does. What it does not know raises. */
export class Reader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  /** Begins a map: how many keys; undefined: until {@link isBreak}. */
  map(): number | undefined {
    const byte = this.byte();
    if (byte === 0xbf) return undefined;
    return this.argument(5, byte);
  }

  isBreak(): boolean {
    if (this.bytes[this.at] !== 0xff) return false;
    this.at++;
    return true;
  }

  text(most: number): string {
    const length = this.argument(3, this.byte());
    if (length > most) throw new RangeError(`a text of ${length} bytes, and room for ${most}`);
    return this.take(length).toString();
  }

  flag(): boolean {
    const byte = this.byte();
    if (byte !== 0xf4 && byte !== 0xf5) throw new TypeError("no flag");
    return byte === 0xf5;
  }

  integer(): number {
    return this.argument(0, this.byte());
  }

  /** An integer, or a number in single or double precision. */
  number(): number {
    const byte = this.bytes[this.at];
    if (byte !== 0xfa && byte !== 0xfb) return this.integer();
    this.at++;
    return byte === 0xfa ? this.take(4).readFloatBE() : this.take(8).readDoubleBE();
  }

  private argument(major: number, byte: number): number {
    const minor = byte & 31;
    if (byte >> 5 !== major || minor > 26) throw new TypeError(`unexpected 0x${byte.toString(16)}`);
    return minor < 24 ? minor : this.take(2 ** (minor - 24)).readUIntBE(0, 2 ** (minor - 24));
  }

  private byte(): number {
    return this.take(1).readUInt8();
  }

  private take(length: number): Buffer {
    if (this.at + length > this.bytes.length) throw new RangeError("the message is cut off");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}
