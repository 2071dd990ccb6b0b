import { fileURLToPath } from "node:url";

/** The benchmarks' command line, to be run by Node as a process of its own; takes what follows `npm run bench --`. */
export const benchEntry: string = fileURLToPath(new URL("./main.js", import.meta.url));
