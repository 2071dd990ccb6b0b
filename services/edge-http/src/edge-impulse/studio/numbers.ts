import { createHash } from "node:crypto";

/** Bytes of a number that is exact in JavaScript and JSON, and as good an id as the text that it was made of. */
const BYTES = 6;

/** The dialect's numeric id of a project: the first 48 bits of SHA-256 of the namespace's id. */
export function projectIdOf(namespace: string): number {
  return createHash("sha256").update(namespace).digest().readUIntBE(0, BYTES);
}
