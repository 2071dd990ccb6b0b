import { fileURLToPath } from "node:url";

/** The benchmarks' command line, to be run by Node as a process of its own; takes what follows `npm run bench --`. */
export const benchEntry: string = fileURLToPath(new URL("./main.js", import.meta.url));

// What figures were measured on: other suites keep theirs with the same.
export { thisCommit } from "./frame/commit.js";
export { type FlushLatency, flushLatency } from "./frame/disk.js";
export { type Machine, thisMachine } from "./frame/machine.js";
