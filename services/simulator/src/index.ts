import { fileURLToPath } from "node:url";

/**
 * The simulator's command line, to be run by Node as a process of its own:
 *
 *     node <simulatorEntry> --url http://127.0.0.1:8080 --namespace default --state <data dir>/simulator
 *
 * The API key for reading back goes into the environment as FIELDLOG_ADMIN_KEY (or `--key`). Prints lines to
 * standard output; waits for the edge by itself; ends on SIGTERM or SIGINT within a second, or two where the edge is gone.
 */
export const simulatorEntry: string = fileURLToPath(new URL("./main.js", import.meta.url));

// For load generators and tests that speak as a station does.
export { csnDate } from "./seismic/device/csn-date.js";
export {
  createMessage,
  heartbeatMessage,
  type Identity,
  pickMessage,
  registered,
  type Stamp,
  signature,
  statusOf,
} from "./seismic/device/csn-messages.js";
