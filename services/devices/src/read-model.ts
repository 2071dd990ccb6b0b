import { type Decided, snapshotModel } from "@fieldlog/aggregates";
import type { ReadModelDefinition } from "@fieldlog/read-model";
import { device } from "./device.js";

/** The service's schema in Postgres. */
export const SCHEMA = "devices";

/** Devices as of a decision. Raise `version` when the state changes. */
export const readModel: ReadModelDefinition<Decided> = snapshotModel({
  version: 1,
  kinds: [{ decider: device }],
});
