/** A message by its parts: what stands in the log, without the generated code. */
export const message = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts);

export function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

/** A field that is a varint. */
export const num = (field: number, value: number | bigint): Uint8Array =>
  message(varint(field * 8), varint(value));

/** A field that has a length: a text, or a message in parts. */
export function len(field: number, ...value: (string | Uint8Array)[]): Uint8Array {
  const bytes = Buffer.concat(value.map((part) => Buffer.from(part)));
  return message(varint(field * 8 + 2), varint(bytes.length), bytes);
}

/** A field that is a double. */
export const dbl = (field: number, value: number): Uint8Array =>
  message(varint(field * 8 + 1), double(value));

/** A packed list of doubles. */
export const doubles = (field: number, ...values: number[]): Uint8Array => len(field, ...values.map(double));

function double(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}
