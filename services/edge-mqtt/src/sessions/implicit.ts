import { endOf, limits, type Position, signalsStream } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import { nameOfFilter } from "../subscriptions/subscription.js";
import type { Newest } from "./newest.js";
import type { SessionRecord } from "./record.js";
import type { OpenSession } from "./types.js";

export interface ImplicitParts {
  readonly log: Pick<EventLog, "sequenceBefore">;
  readonly newest: Pick<Newest, "now">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/**
 * The record with the subscriptions that it is to have in any case. Those of a new session that is kept for as long as
 * any may be begin with what was published since the client could be sent something, within that time: so none has
 * ended that was given some of it. Those of any other begin now.
 *
 * @throws LogUnavailable
 */
export async function withImplicit(
  parts: ImplicitParts,
  { namespace, implicit, cleanStart }: Pick<OpenSession, "namespace" | "implicit" | "cleanStart">,
  record: SessionRecord,
  isNew: boolean,
): Promise<SessionRecord> {
  if (implicit === undefined) return record;
  const had = new Set(record.subscriptions.map(nameOfFilter));
  const missing = implicit.requests.filter((request) => !had.has(nameOfFilter(request)));
  if (missing.length === 0) return record;
  const after =
    isNew && !cleanStart && record.expiryS >= limits.mqttSessionS
      ? await positionAt(parts, namespace, await implicit.since())
      : endOf(await parts.newest.now(namespace));
  const made = missing.map(({ filter, share, qos, noLocal, retainAsPublished, id }) => ({
    ...{ filter, share, qos, noLocal, retainAsPublished, id, after },
  }));
  // Nothing before it concerns a session that was subscribed to nothing.
  const cursor = had.size === 0 ? after : record.cursor;
  return { ...record, cursor, subscriptions: [...record.subscriptions, ...made] };
}

function positionAt({ log, now }: ImplicitParts, namespace: string, since: number): Promise<Position> {
  const from = Math.max(since, now() - limits.mqttSessionS * 1_000);
  return log.sequenceBefore(signalsStream(namespace), new Date(from)).then(endOf);
}
