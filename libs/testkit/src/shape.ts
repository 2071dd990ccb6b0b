/**
 * The environment variable by which every system that a test starts is in processes, one for each service, on three
 * NATS servers (`startServers`) that keep three copies: its value is then `processes`.
 */
const SHAPE = "TESTKIT_SHAPE";

/** Whether the run's systems are all to be in processes. */
export const allInProcesses = (): boolean => process.env[SHAPE] === "processes";
