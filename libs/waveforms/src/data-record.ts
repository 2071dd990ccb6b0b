import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { limits } from "@fieldlog/contracts";
import type { PlaceInTime, Waveform } from "./waveform.js";

/** Axes of one record; a sensor has three. */
const MOST_STREAMS = 64;
/** Times at which a device may have moved within one record. */
const MOST_LOCATIONS = 100_000;
/** Fields of one record besides samples that stand alone: of a record that is one there are few. */
const MOST_FIELDS = 10_000;
const DOUBLE = 8;

/** Bytes that are no record that can be shown. */
export class InvalidWaveform extends Error {
  override readonly name = "InvalidWaveform";
  constructor(
    /** What is wrong with it, to go on after "it ". */
    readonly detail: string,
    cause?: unknown,
  ) {
    super(`not a waveform: it ${detail}`, { cause });
  }
}

/**
 * A serialized `saf.DataRecord` (A5). By hand instead of the generated code, which makes an object of every two
 * bytes that somebody has filled with empty streams. Raises {@link InvalidWaveform}: too large
 * (`limits.waveformBytes`), malformed, without a spacing, of more than 64 streams, or of more fields than makes sense.
 */
export function decodeDataRecord(data: Uint8Array): Waveform {
  if (data.length > limits.waveformBytes) {
    throw new InvalidWaveform(`has ${data.length} bytes, more than ${limits.waveformBytes}`);
  }
  try {
    return decode(data);
  } catch (error) {
    if (error instanceof InvalidWaveform) throw error;
    throw new InvalidWaveform("cannot be decoded", error);
  }
}

function decode(data: Uint8Array): Waveform {
  const reader = new BinaryReader(data);
  const streams: Float64Array[] = [];
  const places: Places = { offsets: [], latitudes: [], longitudes: [] };
  const count = countFields();
  let spacingMs = 0;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    count();
    if (field === 1 && type === WireType.Varint) spacingMs = reader.uint32();
    else if (field === 2 && type === WireType.LengthDelimited) {
      if (streams.length === MOST_STREAMS) throw new InvalidWaveform(`has more than ${MOST_STREAMS} streams`);
      streams.push(decodeStream(reader.bytes(), count));
    } else if (field === 3 && type === WireType.LengthDelimited) decodePlaces(reader.bytes(), places, count);
    else reader.skip(type, field);
  }
  if (spacingMs === 0) throw new InvalidWaveform("does not say how far apart its samples are");
  return { spacingMs, streams, locations: placesInTime(places) };
}

/** A `saf.DataStream`, whose values may be packed, one by one, or both. */
function decodeStream(data: Uint8Array, countField: () => void): Float64Array {
  const samples = new Float64Array(Math.floor(data.length / DOUBLE));
  const reader = new BinaryReader(data);
  let count = 0;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.Bit64) {
      samples[count++] = reader.double();
      continue;
    }
    countField();
    if (field === 1 && type === WireType.LengthDelimited) {
      for (const value of doubles(reader.bytes())) samples[count++] = value;
    } else reader.skip(type, field);
  }
  return samples.subarray(0, count);
}

/** Raises InvalidWaveform when it was called too often. */
function countFields(): () => void {
  let left = MOST_FIELDS;
  return () => {
    if (left-- === 0) throw new InvalidWaveform(`has more than ${MOST_FIELDS} fields`);
  };
}

function* doubles(packed: Uint8Array): Generator<number> {
  if (packed.length % DOUBLE !== 0) throw new InvalidWaveform("ends in the middle of a sample");
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  for (let at = 0; at < packed.length; at += DOUBLE) yield view.getFloat64(at, true);
}

interface Places {
  readonly offsets: number[];
  readonly latitudes: number[];
  readonly longitudes: number[];
}

/** A `saf.DataRecord.LocationChanges`; one that comes in several pieces is one. */
function decodePlaces(data: Uint8Array, into: Places, countField: () => void): void {
  const reader = new BinaryReader(data);
  const push = (list: number[], value: number) => {
    if (list.length === MOST_LOCATIONS) {
      throw new InvalidWaveform(`has more than ${MOST_LOCATIONS} changes of location`);
    }
    list.push(value);
  };
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    countField();
    const list = field === 2 ? into.latitudes : into.longitudes;
    if (field === 1 && type === WireType.Varint) push(into.offsets, reader.uint32());
    else if (field === 1 && type === WireType.LengthDelimited) {
      const packed = new BinaryReader(reader.bytes());
      while (packed.pos < packed.len) push(into.offsets, packed.uint32());
    } else if ((field === 2 || field === 3) && type === WireType.LengthDelimited) {
      for (const value of doubles(reader.bytes())) push(list, value);
    } else if ((field === 2 || field === 3) && type === WireType.Bit64) push(list, reader.double());
    else reader.skip(type, field);
  }
}

function placesInTime({ offsets, latitudes, longitudes }: Places): PlaceInTime[] {
  if (offsets.length !== latitudes.length || offsets.length !== longitudes.length) {
    throw new InvalidWaveform("has locations that are not complete");
  }
  return offsets.map((offset, index) => ({
    offset,
    latitude: latitudes[index] as number,
    longitude: longitudes[index] as number,
  }));
}
