import { createHash } from "node:crypto";

// CSN messages byte by byte, from the protocol's field tables alone: nothing here knows the generated code.

type Part = number[];

function varint(value: number | bigint): Part {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: Part = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}

/** A varint field: numbers, enums, bools. */
export const num = (field: number, value: number | bigint): Part => [...varint(field * 8), ...varint(value)];
/** A length-delimited field: a text, or the parts of a nested message. */
export function len(field: number, value: string | Part): Part {
  const bytes = typeof value === "string" ? [...Buffer.from(value, "utf8")] : value;
  return [...varint(field * 8 + 2), ...varint(bytes.length), ...bytes];
}
/** A double field. */
export const dbl = (field: number, value: number): Part => [...varint(field * 8 + 1), ...double(value)];
/** A packed list of doubles. */
export const doubles = (field: number, values: number[]): Part => len(field, values.flatMap(double));

function double(value: number): Part {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return [...bytes];
}

export const bytes = (...parts: Part[]) => new Uint8Array(parts.flat());

/** `yyyy-MM-ddTHH:mm:ss.SSS`, UTC, as the reference client writes it. */
export const dateOf = (ms: number) => new Date(ms).toISOString().slice(0, 23);

export interface Signing {
  readonly id: number;
  readonly secret: string;
  readonly date: string;
}

/** ClientSignature in field 1. */
export function signature({ id, secret, date }: Signing): Part {
  const hex = createHash("sha256").update(`${date}/${id}/${secret}`).digest("hex");
  return len(1, [...len(1, date), ...num(2, id), ...len(3, hex)]);
}

export interface PickOptions {
  readonly sensor?: number;
  readonly type?: number | undefined;
  readonly readings?: number[];
  readonly more?: Part;
}

/** An EventMessage as the stock reference client sends it: no sensor_type, always a location. */
export function pick(signing: Signing, o: PickOptions = {}): Uint8Array {
  const { sensor = 0, type, readings = [0, 0, 1.05895996094], more = [] } = o;
  const event = [
    ...num(1, sensor),
    ...(type === undefined ? [] : num(2, type)),
    ...doubles(3, readings),
    ...num(5, 117),
    ...num(6, 600),
  ];
  return bytes(signature(signing), dbl(2, 34.1382), dbl(3, -118.1256), num(4, 0), len(5, event), more);
}

/** A HeartbeatMessage of the reference client, whose two numbers of a rate are swapped. */
export function heartbeat(signing: Signing, more: Part = []): Uint8Array {
  const rate = [...num(1, 0), ...num(2, 600), ...num(3, 1)];
  return bytes(signature(signing), num(5, 0), num(8, 0), len(10, rate), more);
}

/** The fields of an answer: numbers and texts by field, nested messages to be read again. */
export function fieldsOf(data: Uint8Array): { field: number; value: bigint | Uint8Array }[] {
  const fields: { field: number; value: bigint | Uint8Array }[] = [];
  let at = 0;
  const read = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = data[at++];
      if (byte === undefined) throw new RangeError("the answer ends too early");
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < data.length) {
    const tag = Number(read());
    if (tag % 8 === 0) fields.push({ field: tag >> 3, value: read() });
    else if (tag % 8 === 1) {
      fields.push({ field: tag >> 3, value: data.subarray(at, at + 8) });
      at += 8;
    } else {
      const length = Number(read());
      fields.push({ field: tag >> 3, value: data.subarray(at, at + length) });
      at += length;
    }
  }
  return fields;
}

/** status.type and status.message of an answer, which are in field 1 whatever the answer is. */
export function statusOf(data: Uint8Array): { type: number; message: string } {
  const status = fieldsOf(data).find(({ field }) => field === 1)?.value as Uint8Array;
  const inner = fieldsOf(status);
  const message = inner.find(({ field }) => field === 2)?.value as Uint8Array | undefined;
  return {
    type: Number(inner.find(({ field }) => field === 1)?.value),
    message: message === undefined ? "" : Buffer.from(message).toString("utf8"),
  };
}
