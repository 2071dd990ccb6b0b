import { Aggregates } from "@fieldlog/aggregates";
import type { EventLog } from "@fieldlog/event-log";
import { openReadDatabase, ReadModelRunner } from "@fieldlog/read-model";
import { need, type Runtime } from "@fieldlog/runtime";
import { Teller } from "@fieldlog/telling";
import { SCHEMA } from "../read-model.js";
import type { Devices } from "../service/devices.js";
import { DeviceProperties } from "./device-properties.js";
import { properties as decider } from "./properties.js";
import { propertiesModel } from "./read-model.js";
import { Rows } from "./rows.js";
import { propertiesMethods } from "./rpc.js";
import type { PropertiesTables } from "./tables.js";
import { propertiesTold } from "./telling.js";

export interface PropertiesParts {
  readonly runtime: Runtime;
  readonly log: EventLog;
  readonly devices: Devices;
}

export interface AddedProperties {
  readonly served: ReturnType<typeof propertiesMethods>;
  readonly own: DeviceProperties;
  /** Whether the tables had reached the sequence of REGISTRY within that time. */
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
}

/** Devices' properties. Their parts start and stop with the lifecycle, in the order in which they are added. */
export function addProperties({ runtime, log, devices }: PropertiesParts): AddedProperties {
  const { logger, metrics, lifecycle, health } = runtime;
  const { postgresUrl } = need(runtime.settings, "postgresUrl");
  const database = openReadDatabase<PropertiesTables>({
    url: postgresUrl,
    schema: SCHEMA,
    metrics,
    onError: (err) => logger.warn({ err }, "lost a connection to Postgres"),
  });
  const runner = new ReadModelRunner({ log, database, definition: propertiesModel, logger, metrics });
  const rows = new Rows(database);
  const aggregates = new Aggregates({ log, snapshots: rows, metrics, withoutSnapshots: "read-the-log" });
  const waitFor = runner.waitFor.bind(runner);
  const own = new DeviceProperties({ aggregates, devices, rows, waitFor });

  const teller = new Teller({
    ...{
      log,
      logger,
      metrics,
      kind: decider.kind,
      signalsOf: async (told) => propertiesTold(told, Date.now()),
    },
    ...{ url: postgresUrl, schema: SCHEMA, replicas: runtime.settings.replicas },
  });

  lifecycle.add({ name: "database of properties", stop: () => database.close() });
  lifecycle.add({
    name: "read model of properties",
    start: () => runner.start(),
    stop: () => runner.stop(),
  });
  lifecycle.add({
    name: "telling of properties",
    start: async () => teller.start(),
    stop: () => teller.stop(),
  });
  health.add("properties", () => runner.ready());
  return { served: propertiesMethods(own), own, waitFor };
}
