import { createHash } from "node:crypto";

/** What a session writes: the tables that queries read, or those that are being built beside them. */
export type Stage = "live" | "rebuild";

/**
 * The key of the advisory lock that a writing session holds: signed 64 bits, as text. It stays with the
 * session, so a session that is lost has lost the lock too, and nobody writes without it.
 */
export function lockKey(schema: string, model: string, stage: Stage): string {
  const hash = createHash("sha256").update(`fieldlog read model\0${schema}\0${model}\0${stage}`).digest();
  return hash.readBigInt64BE(0).toString();
}
