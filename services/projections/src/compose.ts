import { projections } from "@fieldlog/contracts";
import { connectLog, logOptions } from "@fieldlog/event-log";
import { openReadDatabase, ReadModelRunner } from "@fieldlog/read-model";
import { listenAddress, RpcServer } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import { configurations } from "./configurations/definition.js";
import { devices } from "./devices/definition.js";
import { events } from "./events/definition.js";
import { messages } from "./messages/definition.js";
import { readings } from "./readings/definition.js";
import { Retention } from "./retention/retention.js";
import type { Tables } from "./rpc/requests.js";
import { projectionsService, refusal } from "./rpc/service.js";
import { observeServers } from "./server-metrics.js";

/** The service's schema in Postgres. */
const SCHEMA = "projections";

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime): Promise<void> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "postgresUrl", "internalToken");

  const log = await connectLog(logOptions(settings, runtime.service, logger));
  const database = openReadDatabase<Tables>({
    url: settings.postgresUrl,
    schema: SCHEMA,
    metrics,
    onError: (err) => logger.warn({ err }, "lost a connection to Postgres"),
  });
  const shared = { log, database, logger, metrics };
  const runners = {
    events: new ReadModelRunner({ ...shared, definition: events }),
    readings: new ReadModelRunner({ ...shared, definition: readings }),
    messages: new ReadModelRunner({ ...shared, definition: messages }),
    devices: new ReadModelRunner({ ...shared, definition: devices }),
    configurations: new ReadModelRunner({ ...shared, definition: configurations }),
  };
  const retention = new Retention({ database, rules: runners.configurations, logger, metrics });
  const server = new RpcServer({
    address: listenAddress(settings.projectionsGrpc, settings.grpcBind ?? settings.bind),
    token: settings.internalToken,
    logger,
    metrics,
    refusal,
  }).add(projections.ProjectionsService, projectionsService({ database, runners }));

  lifecycle.add({ name: "log", stop: () => log.close() });
  lifecycle.add({ name: "database", stop: () => database.close() });
  health.add("log", () => log.ready());
  for (const [name, runner] of Object.entries(runners)) {
    lifecycle.add({ name: `read model ${name}`, start: () => runner.start(), stop: () => runner.stop() });
    health.add(`read model ${name}`, () => runner.ready());
  }
  lifecycle.add({ name: "retention", start: () => retention.start(), stop: () => retention.stop() });
  lifecycle.add({ name: "gRPC", start: () => server.start(), stop: () => server.stop() });

  observeServers(metrics, { log, database, monitorUrl: settings.natsMonitorUrl });
}
