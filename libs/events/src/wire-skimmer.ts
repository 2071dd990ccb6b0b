/** Goes over an encoded protobuf message without decoding it. Raises RangeError for what is none. */
export class WireSkimmer {
  at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** The field that comes next, which has a length, and where it ends. */
  message(): { field: number; end: number } {
    const tag = this.varint();
    if ((tag & 7) !== 2) throw new RangeError(`a batch with wire type ${tag & 7}`);
    const length = this.varint();
    const end = this.at + length;
    if (end > this.bytes.length) throw new RangeError("a batch that ends too early");
    return { field: tag >>> 3, end };
  }

  /** Whether what goes until `end` has that field, with a length. */
  has(field: number, end: number): boolean {
    while (this.at < end) {
      const tag = this.varint();
      if (tag === ((field << 3) | 2)) return true;
      this.skip(tag & 7);
    }
    return false;
  }

  /** Over a value of that wire type. */
  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.at += 8;
    else if (wireType === 2) {
      const length = this.varint();
      this.at += length;
    } else if (wireType === 5) this.at += 4;
    else throw new RangeError(`a signal with wire type ${wireType}`);
  }

  /** Beyond 2^53 only its length counts. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.bytes[this.at];
      if (byte === undefined) break;
      this.at++;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw new RangeError("a varint without end");
  }
}
