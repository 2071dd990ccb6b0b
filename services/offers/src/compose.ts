import { Aftermath, Aggregates } from "@fieldlog/aggregates";
import { auth, DEVICE_KEYS, offers, sealing } from "@fieldlog/contracts";
import { DataKeys } from "@fieldlog/data-keys";
import { connectLog, logOptions } from "@fieldlog/event-log";
import { openObjects } from "@fieldlog/objects";
import { openReadDatabase, ReadModelRunner } from "@fieldlog/read-model";
import { listenAddress, RpcServer, rpcClient } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import { InstallationKeys, resealing } from "@fieldlog/sealing";
import { Consequences } from "./aftermath/consequences.js";
import { follow, KINDS } from "./aftermath/follow.js";
import { sweepOf } from "./aftermath/sweep.js";
import { tidyingOf } from "./aftermath/tidying.js";
import { offersService, refusal } from "./rpc.js";
import { Offers } from "./service/offers.js";
import { policies } from "./service/policies.js";
import { Readings } from "./service/readings.js";
import { Requests } from "./service/requests.js";
import { Uploads } from "./service/uploads.js";
import { readModel } from "./table/read-model.js";
import { Rows } from "./table/rows.js";
import { type OfferTables, SCHEMA } from "./table/tables.js";

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime): Promise<void> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "postgresUrl", "internalToken", "installationKey");
  const now = Date.now;
  const installationKeys = new InstallationKeys(settings.installationKey);

  const log = await connectLog(logOptions(settings, runtime.service, logger));
  const keys = await DataKeys.open(log.connection, {
    ...{ bucket: DEVICE_KEYS, replicas: settings.replicas, sealing: installationKeys.sealing },
  });
  const objects = openObjects(log.connection, settings);
  const database = openReadDatabase<OfferTables>({
    url: settings.postgresUrl,
    schema: SCHEMA,
    metrics,
    onError: (err) => logger.warn({ err }, "lost a connection to Postgres"),
  });
  const runner = new ReadModelRunner({ log, database, definition: readModel, logger, metrics });
  const rows = new Rows(database);
  const reader = { rows, waitFor: runner.waitFor.bind(runner) };
  const aggregates = new Aggregates({ log, snapshots: rows, metrics, withoutSnapshots: "read-the-log" });
  const caller = { token: settings.internalToken, metrics };
  const authClient = rpcClient(auth.AuthService, { ...caller, address: settings.authGrpc });

  const uploadTokens = installationKeys.capabilities("upload");
  const requests = new Requests(aggregates, reader, now);
  const uploads = new Uploads(aggregates, uploadTokens, keys, now);
  const offered = new Offers({
    ...{ aggregates, reader, log, policy: policies(authClient), tokens: uploadTokens, now },
  });
  const readings = new Readings(aggregates, reader, installationKeys.capabilities("download"), keys, now);
  const consequences = new Consequences({ log, aggregates, requests, uploads, reader, objects, keys });
  const aftermath = new Aftermath({
    ...{ log, name: "offers", kinds: KINDS, logger, metrics },
    follows: (kind, decision) => follow(consequences, kind, decision),
  });
  const sweep = sweepOf({ rows, requests, uploads, logger, now });
  const tidying = tidyingOf({ objects, logger, now, url: settings.postgresUrl });
  const server = new RpcServer({
    address: listenAddress(settings.offersGrpc, settings.grpcBind ?? settings.bind),
    ...{ token: settings.internalToken, logger, metrics, refusal },
  })
    .add(offers.OffersService, offersService({ requests, offers: offered, uploads, readings, reader, log }))
    .add(sealing.SealingService, {
      reseal: resealing(installationKeys.sealing, (asked) => keys.reseal(asked)),
    });

  lifecycle.add({ name: "log", stop: () => log.close() });
  lifecycle.add({ name: "database", stop: () => database.close() });
  lifecycle.add({ name: "gRPC client", stop: async () => authClient.close() });
  lifecycle.add({ name: "read model", start: () => runner.start(), stop: () => runner.stop() });
  lifecycle.add({ name: "aftermath", start: () => aftermath.start(), stop: () => aftermath.stop() });
  lifecycle.add({ name: "sweep", start: async () => sweep.start(), stop: () => sweep.stop() });
  lifecycle.add({ name: "tidying", start: async () => tidying.start(), stop: () => tidying.stop() });
  lifecycle.add({ name: "gRPC", start: () => server.start(), stop: () => server.stop() });

  health.add("log", () => log.ready());
  health.add("database", () => runner.ready());
}
