// Builders: signals as they stand in the log.
export { encoded, heartbeat, pick, RECEIVED } from "./builders.js";
// What tables hold of a namespace.
export { digestOf } from "./digest-of.js";
// The built services as processes.
export { SERVICES } from "./programs.js";
// Servers for tests.
export { startServers, type TestServers, type TestServersOptions, temporaryDir } from "./servers.js";
// One built service as a process.
export { type ServiceProcess, startServiceProcess } from "./service-process.js";
export {
  anyGrpcPorts,
  type ServiceName,
  type System,
  type SystemOptions,
  type SystemProcess,
  startSystem,
} from "./system.js";
// Waiting for what happens elsewhere.
export { until } from "./until.js";
