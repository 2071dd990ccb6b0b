import {
  deviceKey,
  type Known,
  type KnownKey,
  type KnownNamespace,
  type KnownSubscription,
  mayRead,
} from "@fieldlog/admission";
import { endOf, type Position, signalsStream } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import { Problem } from "../problem.js";

/**
 * The subscription of that id, for a key that may read it: its own, or any with permission write.
 * Raises Problem 403, 404, 409 (it is a webhook), RpcError.
 */
export async function readableSubscription(
  known: Pick<Known, "subscriptions">,
  { key, namespace }: { readonly key: KnownKey; readonly namespace: KnownNamespace },
  id: string,
): Promise<KnownSubscription> {
  const found = await known.subscriptions.get(deviceKey(namespace.id, id));
  if (found === undefined) throw new Problem(404, `There is no subscription "${id}".`);
  if (!mayRead(key, found)) {
    throw new Problem(403, "This subscription is another's: that takes a key with permission write.");
  }
  if (found.delivery === "webhook") {
    throw new Problem(409, "This subscription is delivered to its webhook, and not otherwise.");
  }
  return found;
}

/** Nobody has received what is not there yet in the namespace's log. Raises Problem 400, LogUnavailable. */
export async function checkPast(
  position: Position,
  name: string,
  log: Pick<EventLog, "lastSequence" | "settledEnd">,
  namespace: string,
): Promise<void> {
  const stream = signalsStream(namespace);
  if (position <= endOf(await log.lastSequence(stream))) return;
  // A server that is parted from the others tells an old end.
  if (position <= endOf(await log.settledEnd(stream))) return;
  const detail = "lies behind the end of the log";
  throw new Problem(400, `${name} ${detail}.`, { errors: [{ field: name, detail }] });
}
