// A protobuf writer for small messages on the hot path: one scratch buffer for all, no allocation but the
// finished bytes. Texts of devices are short and ASCII, for which a loop beats any encoder.

const INITIAL = 64 * 1024;

let buffer = Buffer.allocUnsafe(INITIAL);
let at = 0;

/** Begins anew, whatever was written before. */
export function begin(): void {
  at = 0;
}

/** What was written since {@link begin}. */
export function finish(): Uint8Array {
  const bytes = Buffer.allocUnsafe(at);
  buffer.copy(bytes, 0, 0, at);
  return bytes;
}

function reserve(bytes: number): void {
  if (at + bytes <= buffer.length) return;
  const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + bytes));
  buffer.copy(larger, 0, 0, at);
  buffer = larger;
}

/** An unsigned varint below 2^53. */
export function varint(value: number): void {
  reserve(10);
  let rest = value;
  while (rest > 0x7fffffff) {
    buffer[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
}

/** An int32 or int64 within ±2^53: negative ones are ten bytes of two's complement. */
export function integer(value: number): void {
  if (value >= 0) varint(value);
  else big(BigInt.asUintN(64, BigInt(value)));
}

/** A uint64. */
export function big(value: bigint): void {
  reserve(10);
  let rest = value;
  while (rest > 0x7fn) {
    buffer[at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  buffer[at++] = Number(rest);
}

export function double(value: number): void {
  reserve(8);
  at = buffer.writeDoubleLE(value, at);
}

export function fixed32BE(value: number): void {
  reserve(4);
  at = buffer.writeUInt32BE(value, at);
}

/** A text with its length before it. */
export function text(value: string): void {
  const { length } = value;
  if (length < 64) {
    reserve(length + 1);
    buffer[at] = length;
    let i = 0;
    for (; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) break;
      buffer[at + 1 + i] = code;
    }
    if (i === length) {
      at += length + 1;
      return;
    }
  }
  const bytes = Buffer.byteLength(value);
  varint(bytes);
  reserve(bytes);
  at += buffer.write(value, at);
}

/** Bytes with their length before them. */
export function bytes(value: Uint8Array): void {
  varint(value.length);
  reserve(value.length);
  buffer.set(value, at);
  at += value.length;
}

/** Begins a nested message; what it returns goes to {@link close}. */
export function open(): number {
  reserve(1);
  return ++at;
}

/** Ends a nested message, and puts its length before it. */
export function close(start: number): void {
  const length = at - start;
  if (length < 128) {
    buffer[start - 1] = length;
    return;
  }
  const end = at;
  const more = length < 1 << 14 ? 1 : length < 1 << 21 ? 2 : 3;
  reserve(more);
  buffer.copyWithin(start + more, start, end);
  at = start - 1;
  varint(length);
  at = end + more;
}
