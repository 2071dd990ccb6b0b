// Servers for tests.
export { startServers, type TestServers, type TestServersOptions, temporaryDir } from "./servers.js";
// Waiting for what happens elsewhere.
export { until } from "./until.js";
