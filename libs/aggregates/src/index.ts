// For services that decide.
export { Aftermath, type AftermathOptions, groupOnceThere } from "./aftermath.js";
export { Aggregates, type AggregatesOptions } from "./aggregates.js";
// For all read models of decisions.
export { type Decided, decidedIn } from "./decided.js";
export { erasedBy } from "./erased.js";
export { addKeptBytes } from "./kept-bytes.js";
// For the services' doors: failures as gRPC tells them.
export { rpcFailure } from "./rpc-failure.js";
// For read models that keep every aggregate's state.
export {
  type SnapshotKind,
  type SnapshotModelOptions,
  type SnapshotTables,
  snapshotModel,
} from "./snapshot-model.js";
// For services that look aggregates up.
export { type Id, inTime, Snapshots, SnapshotsUnavailable } from "./snapshots.js";
// For services whose read models have tables of their own.
export { type Existing, existing, type Folded, folded, loadState, type StateTables } from "./state-tables.js";
// For services of which time decides something.
export { Sweep } from "./sweep.js";
