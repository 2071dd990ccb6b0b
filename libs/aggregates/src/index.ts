// For services that decide.
export { Aftermath, type AftermathOptions } from "./aftermath.js";
export { Aggregates, type AggregatesOptions } from "./aggregates.js";
// For the services' doors: failures as gRPC tells them.
export { rpcFailure } from "./rpc-failure.js";
// For services' read models.
export {
  type Decided,
  type SnapshotKind,
  type SnapshotModelOptions,
  type SnapshotTables,
  snapshotModel,
} from "./snapshot-model.js";
// For services that look aggregates up.
export { type Id, inTime, Snapshots, SnapshotsUnavailable } from "./snapshots.js";
