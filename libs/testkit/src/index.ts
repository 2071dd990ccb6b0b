// The services, of which a started system has any number.
export { SERVICES, type ServiceName } from "@fieldlog/processes";
// Builders: signals as they stand in the log.
export { encoded, heartbeat, pick, RECEIVED } from "./builders.js";
// What tables hold of a namespace.
export { digestOf } from "./digest-of.js";
// The built services as processes.
export { anyGrpcPorts } from "./parts.js";
// The built programs.
export { compileCache, LAUNCHER, programOf } from "./programs.js";
// Servers for tests.
export { startServers, type TestServers, type TestServersOptions, temporaryDir } from "./servers.js";
// One built service as a process.
export { type ServiceProcess, startServiceProcess } from "./service-process.js";
// Waiting for what happens elsewhere.
export { allInProcesses } from "./shape.js";
// Who hears what every way out tells, and comes back when it was cut off.
export { keepConnected, keepPolling, type Subscribing, webhookEndpoint } from "./subscribers.js";
export { type System, type SystemOptions, type SystemProcess, startSystem } from "./system.js";
export { CALL_MS, SOON_MS, until } from "./until.js";
