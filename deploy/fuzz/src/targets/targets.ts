import type { Target } from "../target.js";
import { bodyTargets } from "./bodies.js";
import { csnTargets } from "./csn.js";
import { dialectTargets } from "./dialects.js";
import { eventTargets } from "./events.js";
import { filterTargets } from "./filters.js";
import { logTargets } from "./log.js";
import { mqttTargets } from "./mqtt.js";
import { remoteTargets } from "./remote.js";
import { sampleTargets } from "./samples.js";
import { spotflowTargets } from "./spotflow.js";
import { tokenTargets } from "./tokens.js";
import { uploadTargets } from "./uploads.js";

/** Every decoder of what others send. */
export const targets: readonly Target[] = [
  ...[
    ...bodyTargets,
    ...csnTargets,
    ...logTargets,
    ...eventTargets,
    ...mqttTargets,
    ...remoteTargets,
    ...filterTargets,
  ],
  ...[...sampleTargets, ...uploadTargets, ...spotflowTargets, ...dialectTargets, ...tokenTargets],
];
