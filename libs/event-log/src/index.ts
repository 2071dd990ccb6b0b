export { decodeBatch, encodeBatch } from "./batch.js";
export {
  type ClearedPart,
  Clearings,
  clearedBy,
  clearingIn,
  type NewClearing,
} from "./clearings.js";
export { type Durability, describeDurability, durabilityOf, readDurability } from "./durability.js";
export { LogGap, LogUnavailable, QueueFull, SequenceConflict, SignalTooLarge } from "./errors.js";
export {
  connectLog,
  EventLog,
  type LogLogger,
  type LogOptions,
  type LogSettings,
  logOptions,
  serversOf,
} from "./event-log.js";
export type { FollowOptions, Group, GroupOptions, Handout } from "./group.js";
export { type Batch, type CommitOutcome, GroupCommit, type GroupCommitOptions } from "./group-commit.js";
export { type Publication, publish } from "./publish.js";
export type { Commit, ReadOptions } from "./read.js";
export {
  RecordBucket,
  type RecordBucketOptions,
  RecordConflict,
  type RecordKey,
  type StoredRecord,
} from "./record-bucket.js";
export type { RecordedDecision, Registry } from "./registry.js";
export { streamDefinitions } from "./streams.js";
export { spanOverMany } from "./trace.js";
export { readStore, type StoreUsage, type StreamUsage } from "./usage.js";
