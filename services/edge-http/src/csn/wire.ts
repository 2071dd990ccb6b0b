import { type DescMessage, fromBinary, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";

// protobuf-es reads a field by its declared type whatever wire type the sender gave, and lets a nested
// message run over its parent's end. So the form is checked first, against the same descriptor.

interface Fields extends Map<number, Field> {}
interface Field {
  readonly wire: WireType;
  /** For a repeated number: what each element of the packed form is. */
  readonly packed: boolean;
  readonly message: Fields | undefined;
}

const known = new Map<DescMessage, Fields>();

/** Fields and list elements of one message, nested ones included: several times what a device may have. */
const MAX_FIELDS = 32_768;
let left = 0;

/** The message, or undefined if the bytes are not one, or one with too many fields. Never raises. */
export function decode<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> | undefined {
  left = MAX_FIELDS;
  if (walk(fieldsOf(schema), bytes, 0, bytes.length) !== bytes.length) return undefined;
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch {
    return undefined;
  }
}

function fieldsOf(schema: DescMessage): Fields {
  let fields = known.get(schema);
  if (fields === undefined) {
    fields = new Map();
    known.set(schema, fields);
    for (const field of schema.fields) {
      const message = field.message === undefined ? undefined : fieldsOf(field.message);
      const wire = message !== undefined ? WireType.LengthDelimited : wireOf(field.scalar);
      const packed = field.fieldKind === "list" && wire !== WireType.LengthDelimited;
      fields.set(field.number, { wire, packed, message });
    }
  }
  return fields;
}

function wireOf(scalar: ScalarType | undefined): WireType {
  switch (scalar) {
    case ScalarType.DOUBLE:
      return WireType.Bit64;
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    default:
      return WireType.Varint; // CSN has no other fixed-width fields; enums are varints
  }
}

const WRONG = -1;
let value = 0; // of the varint that was read last, its low 32 bits

/** Where the message ends if its form is right: at `end`. Otherwise -1. */
function walk(fields: Fields, bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    at = varint(bytes, at, end);
    if (at === WRONG || --left < 0) return WRONG;
    const tag = value;
    const number = tag >>> 3;
    if (number === 0) return WRONG;
    const wire = tag & 7;
    const field = fields.get(number);
    const length = wire === WireType.LengthDelimited;
    if (field !== undefined && wire !== field.wire && !(length && field.packed)) return WRONG;
    if (wire === WireType.Varint) at = varint(bytes, at, end);
    else if (wire === WireType.Bit64) at += 8;
    else if (wire === WireType.Bit32) at += 4;
    else if (length) {
      at = varint(bytes, at, end);
      if (at === WRONG || value > end - at) return WRONG;
      const stop = at + value;
      if (field?.message !== undefined) at = walk(field.message, bytes, at, stop);
      else if (field?.packed === true) at = elements(field.wire, bytes, at, stop);
      else at = stop;
    } else return WRONG; // groups: CSN has none
    if (at === WRONG || at > end) return WRONG;
  }
  return at;
}

function elements(wire: WireType, bytes: Uint8Array, start: number, end: number): number {
  if (wire === WireType.Bit64) return (end - start) % 8 === 0 ? end : WRONG;
  let at = start;
  while (at < end && at !== WRONG) at = --left < 0 ? WRONG : varint(bytes, at, end);
  return at;
}

/** Where the varint ends, at most 10 bytes on; -1: not before `end`. Its low 32 bits are left in `value`. */
function varint(bytes: Uint8Array, start: number, end: number): number {
  let bits = 0;
  const stop = Math.min(end, start + 10);
  for (let at = start, shift = 0; at < stop; at++, shift += 7) {
    const byte = bytes[at] as number;
    if (shift < 32) bits |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      value = bits >>> 0;
      return at + 1;
    }
  }
  return WRONG;
}
