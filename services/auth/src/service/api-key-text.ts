import { randomBytes, randomInt } from "node:crypto";

const ALPHANUMERICS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** Of 62 characters: 256 bits. */
const CRED_LENGTH = 43;

/**
 * A key that nobody has seen, in the form that its kind has: `cred` 43 alphanumerics, as cred's own server makes
 * them; `edge-impulse` `ei_` and 64 hex characters; `hmac` 32 hex characters, for which boards have room; any other
 * `fl_` and 43 characters of base64url. All of 256 random bits, but `hmac` of 128.
 */
export function newSecret(kind: string): string {
  switch (kind) {
    case "cred":
      return Array.from({ length: CRED_LENGTH }, () => ALPHANUMERICS[randomInt(ALPHANUMERICS.length)]).join(
        "",
      );
    case "edge-impulse":
      return `ei_${randomBytes(32).toString("hex")}`;
    case "hmac":
      return randomBytes(16).toString("hex");
    default:
      return `fl_${randomBytes(32).toString("base64url")}`;
  }
}
