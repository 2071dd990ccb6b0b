import { randomBytes, randomInt } from "node:crypto";

const ALPHANUMERICS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** Of 62 characters: 256 bits. */
const CRED_LENGTH = 43;

/**
 * A key that nobody has seen, of 256 random bits, in the form that its kind has: `cred` 43 alphanumerics, as
 * cred's own server makes them; any other `fl_` and 43 characters of base64url.
 */
export function newSecret(kind: string): string {
  if (kind !== "cred") return `fl_${randomBytes(32).toString("base64url")}`;
  return Array.from({ length: CRED_LENGTH }, () => ALPHANUMERICS[randomInt(ALPHANUMERICS.length)]).join("");
}
