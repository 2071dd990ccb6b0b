import { hash } from "node:crypto";

/** The first 8 bytes of a message's SHA-256: as stored in the log, and as the replay guard compares them. */
export interface Digest {
  readonly high: number;
  readonly low: number;
}

// crypto.hash gives hex four times as fast as it gives a buffer.
export function digestOf(message: Uint8Array): Digest {
  const hex = hash("sha256", message);
  return { high: Number.parseInt(hex.slice(0, 8), 16), low: Number.parseInt(hex.slice(8, 16), 16) };
}

/** The 8 bytes, in network order. */
export function digestBytes(digest: Digest): Uint8Array {
  const bytes = new Uint8Array(8);
  const { high, low } = digest;
  bytes[0] = high >>> 24;
  bytes[1] = high >>> 16;
  bytes[2] = high >>> 8;
  bytes[3] = high;
  bytes[4] = low >>> 24;
  bytes[5] = low >>> 16;
  bytes[6] = low >>> 8;
  bytes[7] = low;
  return bytes;
}
