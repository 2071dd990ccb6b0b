import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

// Standard Webhooks 1.0, https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md:
// HMAC-SHA256 over `<webhook-id>.<webhook-timestamp>.<body>`, in base64, behind "v1,"; several are separated by spaces.

/** What a request says of its signature. */
export interface Signature {
  /** Of the message: the same when it is sent again. */
  readonly id: string;
  /** As sent: s since 1970 UTC. */
  readonly timestamp: string;
  readonly signatures: readonly Uint8Array[];
}

/**
 * What an id is made of here. Not of a full stop, since the signature would then be good for another id, time and body
 * as well; and not of a slash, by which parts of a message are told apart.
 */
const ID = /^[\w:+=-]{1,100}$/;
const TIMESTAMP = /^[1-9]\d{0,10}$/;
const VERSION = "v1,";
const BYTES = 32;
/** Signatures of one request that are looked at: a sender that rotates its secret has two. */
const MOST = 8;

/** Whether the request is meant to be signed. */
export function isSigned(headers: IncomingHttpHeaders): boolean {
  return headers["webhook-signature"] !== undefined;
}

/** Whether it may be a `webhook-id`. */
export function isMessageId(text: string): boolean {
  return ID.test(text);
}

/** Undefined: there is none of the version that is known, or it is malformed. */
export function readSignature(headers: IncomingHttpHeaders): Signature | undefined {
  const [id, timestamp, given] = ["id", "timestamp", "signature"].map((name) => headers[`webhook-${name}`]);
  if (typeof id !== "string" || !isMessageId(id)) return undefined;
  if (typeof timestamp !== "string" || !TIMESTAMP.test(timestamp)) return undefined;
  if (typeof given !== "string") return undefined;
  const signatures = given
    .split(" ", MOST)
    .filter((one) => one.startsWith(VERSION))
    .map((one) => Buffer.from(one.slice(VERSION.length), "base64"))
    .filter(({ length }) => length === BYTES);
  return signatures.length === 0 ? undefined : { id, timestamp, signatures };
}

/** Whether one of the signatures is of one of the secrets; in a time that does not tell how nearly it is. */
export function isGenuine(
  { id, timestamp, signatures }: Signature,
  body: Uint8Array,
  secrets: readonly Uint8Array[],
): boolean {
  let genuine = false;
  for (const secret of secrets) {
    const right = createHmac("sha256", secret).update(`${id}.${timestamp}.`).update(body).digest();
    for (const signature of signatures) genuine = timingSafeEqual(right, signature) || genuine;
  }
  return genuine;
}
