import { type Decided, snapshotModel } from "@fieldlog/aggregates";
import type { ReadModelDefinition } from "@fieldlog/read-model";
import { configuration, configurationKeys } from "./decisions/configuration.js";
import { device } from "./decisions/device.js";
import { deviceName } from "./decisions/device-name.js";
import { nameKeys } from "./service/unique-names.js";
import { tunnels } from "./tunnels/tunnel.js";

/** The service's schema in Postgres. */
export const SCHEMA = "devices";

/** Devices, their names, configurations and tunnels as of a decision. Raise `version` when a state changes. */
export const readModel: ReadModelDefinition<Decided> = snapshotModel({
  version: 3,
  kinds: [
    { decider: device, keys: nameKeys },
    { decider: deviceName },
    { decider: configuration, keys: configurationKeys },
    { decider: tunnels },
  ],
});
