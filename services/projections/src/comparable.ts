import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";

// A quick reader says what the generated code says, or leaves it to that. Tests and the fuzzer hold one against the other.

/** Whether nothing in it is written otherwise than we write it: quick readers do not look into what they go over. */
export function isBatch(bytes: Uint8Array): boolean {
  try {
    const read = fromBinary(signals.SignalBatchSchema, bytes);
    return Buffer.compare(toBinary(signals.SignalBatchSchema, read), bytes) === 0;
  } catch {
    return false;
  }
}

/** What a reader found, without what marks generated messages, and times as numbers. */
export function comparable(found: unknown, name = ""): unknown {
  // Encoded bytes may differ and say the same.
  if (name === "publication") return comparable(fromBinary(signals.PublicationSchema, found as Uint8Array));
  if (found instanceof Uint8Array) return Buffer.from(found).toString("hex");
  if (typeof found === "bigint") return Number(found);
  if (Array.isArray(found)) return found.map((each) => comparable(each));
  if (typeof found !== "object" || found === null) return found;
  const fields = Object.entries(found).filter(([key, value]) => !key.startsWith("$") && value !== undefined);
  return Object.fromEntries(fields.map(([key, value]) => [key, comparable(value, key)]));
}
