export { openReadDatabase, type ReadDatabase, type ReadDatabaseOptions } from "./database.js";
export type {
  ColumnValue,
  Commit,
  LogRecord,
  ReadableLog,
  ReadModelDefinition,
  ReadModelTransaction,
} from "./definition.js";
export {
  type ReadModelLogger,
  ReadModelRunner,
  type ReadModelRunnerOptions,
  type ReadModelStatus,
} from "./runner.js";
