import { createHmac } from "node:crypto";
import type { Connection } from "../provisioning/connection-string.js";
import { type Answer, type Https, Unreachable } from "../provisioning/https.js";
import type { Waiting } from "../store/outbox.js";

const PREFIX = "whsec_";
/** ms that a clock may be off without being wrong. */
const CLOCK_MS = 10_000;

/**
 * Offers what is in the row to the platform, and sends it where the platform says. The request is signed by the device
 * (Standard Webhooks 1.0); sent again, it has the same id and so the same answer. Raises Unreachable.
 */
export async function offer(
  https: Https,
  { workspaceId, deviceId }: Connection,
  signingSecret: string,
  { identity, topic, payload }: Waiting,
  now: number,
  signal: AbortSignal,
): Promise<"taken" | { readonly refused: string }> {
  const body = Buffer.from(JSON.stringify({ offers: [{ ...JSON.parse(topic), bytes: payload.length }] }));
  const path = `/v1/namespaces/${workspaceId}/devices/${encodeURIComponent(deviceId)}/offers`;
  const ask = (at: number) => {
    const timestamp = String(Math.floor(at / 1_000));
    const headers = {
      ...{ "content-type": "application/json", "fieldlog-device": deviceId },
      ...{ "webhook-id": identity, "webhook-timestamp": timestamp },
      "webhook-signature": signatureOf(signingSecret, `${identity}.${timestamp}.`, body),
    };
    return https.call({ method: "POST", path, headers, body }, signal);
  };
  let asked = await ask(now);
  // Many devices do not know the time when they start: then the platform's is as good.
  if (asked.status === 401 && Math.abs(asked.at - now) > CLOCK_MS) asked = await ask(asked.at);
  const refused = refusalOf(asked);
  if (refused !== undefined) return { refused };
  const [answer] = (asked.body?.["answers"] ?? []) as readonly ({ readonly url?: unknown } | null)[];
  if (answer === null) return { refused: "nobody asked for these data" };
  if (typeof answer?.url !== "string" || !URL.canParse(answer.url))
    throw new Unreachable("the offer's answer has no URL");
  const { pathname, search } = new URL(answer.url);
  // The platform's own door, whatever name it calls itself.
  const stored = await https.call(
    { method: "PUT", path: pathname + search, headers: {}, body: payload },
    signal,
  );
  // 409: a process before this one has sent it, and did not live to hear so.
  if (stored.status === 409) return "taken";
  const notStored = refusalOf(stored);
  return notStored === undefined ? "taken" : { refused: notStored };
}

/** Standard Webhooks 1.0: HMAC-SHA256 in base64. */
export function signatureOf(secret: string, head: string, body: Uint8Array): string {
  const key = Buffer.from(secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret, "base64");
  return `v1,${createHmac("sha256", key).update(head).update(body).digest("base64")}`;
}

/**
 * Undefined: it was taken. Raises Unreachable for what may be otherwise next time. A wrong secret (401) is not: waiting for
 * another would hold up all that was stored later.
 */
function refusalOf({ status, body }: Answer): string | undefined {
  if (status >= 200 && status < 300) return undefined;
  const permanent = status >= 400 && status < 500 && ![408, 409, 423, 429].includes(status);
  if (!permanent) throw new Unreachable(`the offer: ${status}`);
  return `${status} ${String(body?.["detail"] ?? body?.["title"] ?? "")}`.trim();
}
