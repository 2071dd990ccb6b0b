// Running servers, for the launcher, the testkit and the benchmarks.

export { defaultCacheDir } from "./cache-dir.js";
// Other people's brokers and clients, for tests and comparisons.
export { obtainCredClient } from "./cred-client/obtain.js";
export type { BrokerOptions, Command, RunningBroker } from "./mosquitto/broker.js";
export {
  type Mosquitto,
  type ObtainMosquittoOptions,
  obtainMosquitto,
} from "./mosquitto/obtain.js";
export { type NatsClusterOptions, startNatsCluster } from "./nats/cluster.js";
// Getting the NATS server.
export {
  NatsServerNotFound,
  type ObtainOptions,
  obtainNatsServer,
  type SourceName,
} from "./nats/obtain/obtain.js";
export { type NatsOptions, type RunningNats, startNats } from "./nats/start.js";
export { obtainPaho, type Paho } from "./paho/obtain.js";
export { removeCluster } from "./postgres/cluster.js";
export { type PostgresOptions, type RunningPostgres, startPostgres } from "./postgres/start.js";
export { environment } from "./process/environment.js";
export { claimDataDirectory, DataDirectoryInUse, endLeftover } from "./process/pid-file.js";
export { freePort, isFree, PortTaken } from "./process/ports.js";
// What can go wrong, to be told to a person.
export { CommandFailed, run } from "./process/run.js";
export { ServerDidNotStart, ServerProcess, type ServerProcessOptions } from "./process/server-process.js";
export type { ObtainPackageOptions, WithPackage } from "./python/package.js";
export { obtainSpotflowDevice } from "./spotflow-device/obtain.js";
export { type ObtainVersitygwOptions, obtainVersitygw, type Versitygw } from "./versitygw/obtain.js";
export type { RunningS3Server, S3ServerOptions } from "./versitygw/start.js";
