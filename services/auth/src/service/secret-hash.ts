import { createHash } from "node:crypto";

/** SHA-256: all that is kept of a secret that we made ourselves (random, long), and what edges ask by. */
export function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret, "utf8").digest();
}
