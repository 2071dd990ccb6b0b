// Running servers, for the launcher, the testkit and the benchmarks.

// Getting the NATS server.
export { defaultCacheDir } from "./cache-dir.js";
export {
  NatsServerNotFound,
  type ObtainOptions,
  obtainNatsServer,
  type SourceName,
} from "./nats/obtain/obtain.js";
export { type NatsOptions, type RunningNats, startNats } from "./nats/start.js";
export { removeCluster } from "./postgres/cluster.js";
export { type PostgresOptions, type RunningPostgres, startPostgres } from "./postgres/start.js";
export { claimDataDirectory, DataDirectoryInUse } from "./process/pid-file.js";
export { freePort, isFree, PortTaken } from "./process/ports.js";
// What can go wrong, to be told to a person.
export { CommandFailed } from "./process/run.js";
export { ServerDidNotStart, ServerProcess, type ServerProcessOptions } from "./process/server-process.js";
