import { limits, liveness } from "@fieldlog/contracts";
import { connectLog, logOptions } from "@fieldlog/event-log";
import { LeasedWork, openReadDatabase, ReadModelRunner } from "@fieldlog/read-model";
import { listenAddress, RpcServer } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import { Machine } from "./core/machine.js";
import { Rules } from "./core/rules.js";
import { observeDevices } from "./metrics.js";
import { livenessService, refusal } from "./rpc.js";
import { Emitter } from "./service/emitter.js";
import { Queries } from "./service/queries.js";
import { LiveTable } from "./service/table.js";
import { heard } from "./table/heard.js";
import { known } from "./table/known.js";
import { loadStored, SCHEMA, type Tables } from "./table/stored.js";

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime): Promise<void> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "postgresUrl", "internalToken");
  const now = Date.now;

  const log = await connectLog(logOptions(settings, runtime.service, logger));
  const database = openReadDatabase<Tables>({
    url: settings.postgresUrl,
    schema: SCHEMA,
    metrics,
    onError: (err) => logger.warn({ err }, "lost a connection to Postgres"),
  });
  const shared = { log, database, logger, metrics };
  const runners = {
    heard: new ReadModelRunner({ ...shared, definition: heard }),
    known: new ReadModelRunner({ ...shared, definition: known }),
  };
  const cred = { heartbeatS: settings.credPingTimeoutS, inactiveAfterS: settings.credPingTimeoutS };
  const table = new LiveTable({
    ...{ log, logger },
    machine: () => new Machine(new Rules({ cred }), limits.livenessDevices),
    load: (machine, signal) => loadStored(database, machine, signal),
  });
  const emitter = new Emitter({ log, table, logger, metrics, now });
  const lease = { url: settings.postgresUrl, schema: SCHEMA, name: "emitter", logger };
  const emitting = new LeasedWork(lease, (held) => emitter.run(held));
  const server = new RpcServer({
    address: listenAddress(settings.livenessGrpc, settings.grpcBind ?? settings.bind),
    ...{ token: settings.internalToken, logger, metrics, refusal },
  }).add(
    liveness.LivenessService,
    livenessService({ table, runner: runners.heard, queries: new Queries(table, database, now) }),
  );

  lifecycle.add({ name: "log", stop: () => log.close() });
  lifecycle.add({ name: "database", stop: () => database.close() });
  for (const [name, runner] of Object.entries(runners)) {
    lifecycle.add({ name: `read model ${name}`, start: () => runner.start(), stop: () => runner.stop() });
    health.add(`read model ${name}`, () => runner.ready());
  }
  lifecycle.add({ name: "devices", start: async () => table.start(), stop: () => table.stop() });
  lifecycle.add({ name: "lease", start: async () => emitting.start(), stop: () => emitting.stop() });
  lifecycle.add({ name: "gRPC", start: () => server.start(), stop: () => server.stop() });

  observeDevices(metrics, table, log, now);
  health.add("log", () => log.ready());
  health.add("devices", async () => table.notReady());
}
