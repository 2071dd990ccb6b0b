import { fromBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";

// A SignalBatch is `repeated Signal signals = 1`: each signal, already encoded, behind the tag of field 1
// (wire type 2, length-delimited) and its length. So a commit is put together without encoding anything twice.
const TAG = 0x0a;

/** Bytes that an encoded signal takes up in a batch. */
export function lengthInBatch(signal: Uint8Array): number {
  return 1 + varintLength(signal.length) + signal.length;
}

/** The encoded `SignalBatch` of encoded signals. */
export function encodeBatch(encoded: readonly Uint8Array[]): Uint8Array {
  let total = 0;
  for (const signal of encoded) total += lengthInBatch(signal);
  const batch = Buffer.allocUnsafe(total);
  let at = 0;
  for (const signal of encoded) {
    batch[at++] = TAG;
    let length = signal.length;
    while (length > 0x7f) {
      batch[at++] = (length & 0x7f) | 0x80;
      length >>>= 7;
    }
    batch[at++] = length;
    batch.set(signal, at);
    at += signal.length;
  }
  return batch;
}

/** The signals of a commit, in order. Raises what the decoder raises for bytes that are no `SignalBatch`. */
export function decodeBatch(data: Uint8Array): signals.Signal[] {
  return fromBinary(signals.SignalBatchSchema, data).signals;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) length++;
  return length;
}
