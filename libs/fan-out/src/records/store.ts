import { SUBSCRIPTION_CURSORS } from "@fieldlog/contracts";
import { RecordBucket, type RecordKey, type StoredRecord } from "@fieldlog/event-log";
import type { NatsConnection } from "@nats-io/transport-node";
import { type CursorRecord, decodeRecord, encodeRecord } from "./record.js";

/** A subscription: its namespace's id and its own. */
export type SubscriptionKey = RecordKey;
export type StoredCursor = StoredRecord<CursorRecord>;
export type RecordStore = RecordBucket<CursorRecord>;

/** Where cursors of subscriptions are kept. */
export function openRecordStore(connection: NatsConnection, replicas: number): Promise<RecordStore> {
  const coding = { encode: encodeRecord, decode: decodeRecord };
  return RecordBucket.open(connection, { name: SUBSCRIPTION_CURSORS, replicas, ...coding });
}
