import type { Chance } from "../chance.js";
import { type Around, mutateBytes } from "./bytes.js";

/** A field of a protobuf message (Protocol Buffers, "Encoding"). */
interface Field {
  readonly number: number;
  readonly wire: number;
  /** Without the length. */
  readonly value: Buffer;
}

const MANY_ONE_IN = 40;
const MANY_BYTES = 128 * 1024;
const VARINT = 0;
const BYTES = 2;
const WIDTHS: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** The message with one of its fields changed, doubled, moved or gone; lengths are right afterwards. Undefined: it is none. */
export function mutateFields(chance: Chance, message: Uint8Array, around: Around): Uint8Array | undefined {
  const fields = fieldsIn(Buffer.from(message));
  return fields === undefined || fields.length === 0
    ? undefined
    : Buffer.concat(changed(chance, fields, around).map(written));
}

function changed(chance: Chance, fields: readonly Field[], around: Around): Field[] {
  const at = chance.below(fields.length);
  const field = fields[at] as Field;
  switch (chance.below(7)) {
    case 0:
      return fields.toSpliced(at, 1);
    case 1:
      return [...fields, ...Array<Field>(copies(chance, field)).fill(field)];
    case 2:
      return fields.toSpliced(at, 1, { ...field, number: 1 + chance.below(20) });
    case 3:
      return fields.toSpliced(at, 1).toSpliced(chance.below(fields.length), 0, field);
    case 4:
      return fields.toSpliced(at, 1, {
        number: field.number,
        wire: VARINT,
        value: varint(someInteger(chance)),
      });
    case 5:
      return fields.toSpliced(at, 1, { ...field, wire: BYTES });
    default:
      return fields.toSpliced(at, 1, { ...field, value: changedValue(chance, field, around) });
  }
}

/** Few, and seldom as many as there is room for. */
function copies(chance: Chance, { value }: Field): number {
  return chance.length(chance.oneIn(MANY_ONE_IN) ? Math.floor(MANY_BYTES / (value.length + 2)) : 40);
}

function changedValue(chance: Chance, { wire, value }: Field, around: Around): Buffer {
  if (wire === VARINT) return varint(someInteger(chance));
  const inner = wire === BYTES && !chance.oneIn(4) ? mutateFields(chance, value, around) : undefined;
  const bytes = Buffer.from(inner ?? mutateBytes(chance, value, around));
  const width = WIDTHS[wire];
  return width === undefined ? bytes : Buffer.concat([bytes, Buffer.alloc(width)], width);
}

function someInteger(chance: Chance): bigint {
  return BigInt.asUintN(64, 2n ** BigInt(chance.below(65)) + BigInt(chance.below(5) - 2));
}

function fieldsIn(bytes: Buffer): Field[] | undefined {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = readVarint(bytes, at);
    if (tag === undefined || tag.value >> 3n === 0n) return undefined;
    const [number, wire] = [Number(tag.value >> 3n), Number(tag.value & 7n)];
    let [begin, end] = [tag.end, tag.end + (WIDTHS[wire] ?? 0)];
    if (wire === VARINT || wire === BYTES) {
      const read = readVarint(bytes, begin);
      if (read === undefined) return undefined;
      if (wire === BYTES) begin = read.end;
      end = read.end + (wire === BYTES ? Number(read.value) : 0);
    } else if (WIDTHS[wire] === undefined) return undefined;
    if (end > bytes.length) return undefined;
    fields.push({ number, wire, value: bytes.subarray(begin, end) });
    at = end;
  }
  return fields;
}

function readVarint(bytes: Buffer, at: number): { value: bigint; end: number } | undefined {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return { value, end: at + i + 1 };
  }
  return undefined;
}

function written({ number, wire, value }: Field): Buffer {
  const tag = varint((BigInt(number) << 3n) | BigInt(wire));
  return Buffer.concat(wire === BYTES ? [tag, varint(BigInt(value.length)), value] : [tag, value]);
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}
