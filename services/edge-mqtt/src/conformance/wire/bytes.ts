// The data types of MQTT, written so that a test may also write them wrong.

/** As on the wire, big-endian. */
export const u8 = (value: number): Buffer => Buffer.from([value & 0xff]);
export const u16 = (value: number): Buffer => Buffer.from([(value >> 8) & 0xff, value & 0xff]);
export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};

/** A variable byte integer (5.0 section 1.5.5; remaining length in 3.1.1 section 2.2.3), 0 to 268,435,455. */
export function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const digit = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? digit | 0x80 : digit);
    if (rest === 0) return Buffer.from(bytes);
  }
}

/** Length-prefixed: a string as UTF-8, bytes as they are, whether or not they are valid UTF-8. */
export function prefixed(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as Uint8Array);
  return Buffer.concat([u16(bytes.length), bytes]);
}

/** A control packet with its remaining length; `flags` are the lower four bits of the first byte. */
export function framed(type: number, flags: number, ...body: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(body);
  return Buffer.concat([u8((type << 4) | flags), varint(content.length), content]);
}

/** Reads what `varint` wrote; undefined while bytes are missing. Raises an Error when it is longer than it may be. */
export function readVarint(bytes: Uint8Array, at: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let n = 0; n < 4; n++) {
    const byte = bytes[at + n];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 128 ** n;
    if (byte & 0x80) continue;
    if (n > 0 && byte === 0) throw new Error("a variable byte integer that is longer than necessary");
    return { value, next: at + n + 1 };
  }
  throw new Error("a variable byte integer of more than four bytes");
}

/** Goes through the body of a packet; each read raises an Error when the body is too short for it. */
export class Reader {
  #at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Buffer {
    if (length > this.left) throw new Error(`${length} bytes wanted, ${this.left} left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  u8 = (): number => this.take(1).readUInt8();
  u16 = (): number => this.take(2).readUInt16BE();
  u32 = (): number => this.take(4).readUInt32BE();
  bytes = (): Buffer => this.take(this.u16());
  rest = (): Buffer => this.take(this.left);
  string = (): string => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.bytes());

  varint(): number {
    const read = readVarint(this.#bytes, this.#at);
    if (!read) throw new Error("a variable byte integer without end");
    this.#at = read.next;
    return read.value;
  }
}
