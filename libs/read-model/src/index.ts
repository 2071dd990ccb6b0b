export { clearedByColumns } from "./clear.js";
export { openReadDatabase, type ReadDatabase, type ReadDatabaseOptions } from "./database.js";
export { type DeadLetterTarget, type ListedDeadLetter, listDeadLetters } from "./dead-letters.js";
export type {
  ClearedRows,
  ColumnValue,
  LogRecord,
  ReadableLog,
  ReadModelDefinition,
  ReadModelTransaction,
} from "./definition.js";
export { isDatabaseAway, NotYet } from "./failures.js";
export type { LeaseState } from "./lease.js";
export { LeasedWork, type LeasedWorkOptions } from "./leased-work.js";
export type { ReadModelLogger } from "./logger.js";
export { RequestFailed, type RequestOutcome, RequestPending } from "./requests.js";
export { ReadModelRunner, type ReadModelRunnerOptions } from "./runner.js";
export { ofShard, schemaOfShard } from "./shards.js";
export type { ReadModelStatus } from "./status.js";
export { Tasks } from "./tasks.js";
