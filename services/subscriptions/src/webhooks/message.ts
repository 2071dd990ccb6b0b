import { limits, type Position } from "@fieldlog/contracts";
import type { LoggedEvent } from "@fieldlog/events";
import type { WebhookSubscription } from "../service/webhook-subscriptions.js";

/** Bytes of memory in one request, beyond which it takes no further event. */
const REQUEST_BYTES = 512 * 1024;

/**
 * Which of the waiting events go into the next request: at most a batch.
 *
 * @param attempted position of the last event in a request that failed: the next one has the same events
 */
export function requestOf(
  waiting: readonly LoggedEvent[],
  batch: number,
  attempted: Position | undefined,
): readonly LoggedEvent[] {
  const most = Math.max(1, Math.min(batch, limits.webhookBatch));
  const until = attempted ?? Number.POSITIVE_INFINITY;
  let bytes = 0;
  let count = 0;
  for (const event of waiting) {
    bytes += event.bytes;
    if (count > 0 && (count === most || bytes > REQUEST_BYTES || event.position > until)) break;
    count++;
  }
  return waiting.slice(0, count);
}

/** The same events make the same message, with the same id, at every attempt. */
export function messageOf({ namespace, batch }: WebhookSubscription, events: readonly LoggedEvent[]) {
  const [first] = events as [LoggedEvent];
  const id = `${namespace}-${first.position}`;
  if (batch <= 1) return { id, body: first.json(), contentType: "application/cloudevents+json" };
  const list = events.flatMap((event, i) => [Buffer.from(i === 0 ? "[" : ","), event.json()]);
  return {
    id: `${id}-${events.at(-1)?.position}`,
    body: Buffer.concat([...list, Buffer.from("]")]),
    contentType: "application/cloudevents-batch+json",
  };
}
