import { createHmac } from "node:crypto";

// Standard Webhooks 1.0: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

/** How a signing secret is written for people. */
const PREFIX = "whsec_";

/** The bytes of a secret written as `whsec_<base64>`. */
export function secretBytes(secret: string): Buffer {
  return Buffer.from(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret, "base64");
}

/**
 * The headers of a request: its message's id, the time of this attempt, and a signature by each secret, so that
 * a receiver which has only one of them, while they are rotated, still finds its own.
 *
 * @param id the same for every attempt; without a full stop
 * @param now ms since 1970 UTC
 */
export function signatureHeaders(
  id: string,
  now: number,
  body: Buffer,
  secrets: readonly Uint8Array[],
): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000));
  const signatures = secrets.map((secret) => {
    const hmac = createHmac("sha256", secret).update(`${id}.${timestamp}.`).update(body);
    return `v1,${hmac.digest("base64")}`;
  });
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.join(" "),
  };
}
