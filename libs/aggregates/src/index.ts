export { Aggregates, type AggregatesOptions } from "./aggregates.js";
export {
  type SnapshotKind,
  type SnapshotModelOptions,
  type SnapshotTables,
  snapshotModel,
} from "./snapshot-model.js";
export { type Id, Snapshots, SnapshotsUnavailable } from "./snapshots.js";
