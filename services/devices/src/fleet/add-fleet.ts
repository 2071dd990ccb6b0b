import { Aggregates } from "@fieldlog/aggregates";
import type { EventLog } from "@fieldlog/event-log";
import { openReadDatabase, ReadModelRunner } from "@fieldlog/read-model";
import { need, type Runtime } from "@fieldlog/runtime";
import type { AddedProperties } from "../properties/add-properties.js";
import { SCHEMA } from "../read-model.js";
import { Applying } from "./applying.js";
import { FleetTemplates } from "./fleet-templates.js";
import { fleetModel } from "./read-model.js";
import { FleetRows } from "./rows.js";
import { fleetMethods } from "./rpc.js";
import type { FleetTables } from "./tables.js";

export interface FleetParts {
  readonly runtime: Runtime;
  readonly log: EventLog;
  readonly properties: AddedProperties;
}

/** Fleet templates. Their parts start and stop with the lifecycle, in the order in which they are added. */
export function addFleet({ runtime, log, properties }: FleetParts): ReturnType<typeof fleetMethods> {
  const { logger, metrics, lifecycle, health } = runtime;
  const { postgresUrl: url } = need(runtime.settings, "postgresUrl");
  const database = openReadDatabase<FleetTables>({
    ...{ url, schema: SCHEMA, connections: 2, metrics },
    onError: (err) => logger.warn({ err }, "lost a connection to Postgres"),
  });
  const runner = new ReadModelRunner({ log, database, definition: fleetModel, logger, metrics });
  const rows = new FleetRows(database);
  const aggregates = new Aggregates({ log, snapshots: rows, metrics });
  const noted = runner.waitFor.bind(runner);
  const applying = new Applying({
    ...{ rows, aggregates, logger, url, now: Date.now },
    ...{ properties: properties.own, waitFor: noted },
  });
  const waitFor = async (sequence: number, timeoutMs: number) => {
    const both = [noted(sequence, timeoutMs), properties.waitFor(sequence, timeoutMs)];
    return (await Promise.all(both)).every(Boolean);
  };

  lifecycle.add({ name: "database of fleet templates", stop: () => database.close() });
  lifecycle.add({
    name: "read model of fleet templates",
    start: () => runner.start(),
    stop: () => runner.stop(),
  });
  lifecycle.add({
    name: "fleet templates",
    start: async () => applying.start(),
    stop: () => applying.stop(),
  });
  health.add("fleet templates", () => runner.ready());
  return fleetMethods(new FleetTemplates({ aggregates, rows, log, waitFor }));
}
