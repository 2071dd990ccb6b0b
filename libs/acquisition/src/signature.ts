import { createHmac, timingSafeEqual } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { Signed } from "./document.js";

/** Whether it was signed, and with one of the keys. */
export type SignatureState = "valid" | "invalid" | "unsigned";

/** Hex characters of an HMAC-SHA256. */
const CHARACTERS = 64;
const ZEROS = Buffer.alloc(CHARACTERS, "0");

/**
 * Checks a signature over the bytes as they were received, what stands behind the document included: HMAC-SHA256 with
 * the signature's own 64 characters overwritten by zeros. Nothing is encoded again, for no two encoders agree.
 *
 * Between two keys others get their turn.
 *
 * @param keys as text, whose ASCII bytes are the key
 */
export async function checkSignature(
  bytes: Uint8Array,
  { algorithm, begin, end }: Signed,
  keys: Iterable<string>,
): Promise<SignatureState> {
  if (algorithm === "none") return "unsigned";
  const given = Buffer.from(bytes.buffer, bytes.byteOffset + begin, end - begin).toString("latin1");
  if (algorithm !== "HS256" || !/^[0-9a-f]{64}$/i.test(given)) return "invalid";
  const signature = Buffer.from(given, "hex");
  for (const key of keys) {
    const own = createHmac("sha256", key)
      .update(bytes.subarray(0, begin))
      .update(ZEROS)
      .update(bytes.subarray(end))
      .digest();
    if (timingSafeEqual(own, signature)) return "valid";
    await setImmediate();
  }
  return "invalid";
}
