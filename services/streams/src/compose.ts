import { Aggregates } from "@fieldlog/aggregates";
import { limits, REGISTRY, SIGNALS, STREAM_KEYS, sealing, streams } from "@fieldlog/contracts";
import { DataKeys } from "@fieldlog/data-keys";
import { connectLog, logOptions } from "@fieldlog/event-log";
import { openObjects } from "@fieldlog/objects";
import { NotYet, openReadDatabase, ReadModelRunner } from "@fieldlog/read-model";
import { listenAddress, RpcServer } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import { InstallationKeys, resealing } from "@fieldlog/sealing";
import { accessMethods, STREAM_ACCESS } from "./access/access-methods.js";
import { StoredRows } from "./access/stored-rows.js";
import { definitions } from "./definitions/read-model.js";
import { Rows } from "./rows.js";
import { contentMethods, definitionMethods, refusal } from "./rpc.js";
import { sorting } from "./sorting/read-model.js";
import { SCHEMA, type StreamTables } from "./sorting/tables.js";
import { Erasing } from "./storage/erasing.js";
import { Outbox } from "./storage/outbox.js";
import { UnusedObjects } from "./storage/unused-objects.js";
import { STREAM_UPLOAD, uploadMethods } from "./uploads/upload-methods.js";

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime): Promise<void> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "postgresUrl", "internalToken", "installationKey");

  const log = await connectLog(logOptions(settings, runtime.service, logger));
  const database = openReadDatabase<StreamTables>({
    ...{ url: settings.postgresUrl, schema: SCHEMA, metrics },
    onError: (err) => logger.warn({ err }, "lost a connection to Postgres"),
  });
  const installationKeys = new InstallationKeys(settings.installationKey);
  const { replicas } = settings;
  const keys = await DataKeys.open(log.connection, {
    bucket: STREAM_KEYS,
    replicas,
    sealing: installationKeys.sealing,
  });
  const objects = openObjects(log.connection, settings);
  const running = { log, database, logger, metrics };
  const defined = new ReadModelRunner({ ...running, definition: definitions });
  const decided = async () => {
    const newest = await log.lastSequence(REGISTRY).catch((cause: unknown) => {
      throw new NotYet("the log does not answer", { cause });
    });
    if (await defined.waitFor(newest, limits.readYourWritesMs).catch(() => false)) return;
    throw new NotYet("the table of definitions is behind");
  };
  const sorted = new ReadModelRunner({ ...running, definition: sorting(decided) });
  const rows = new Rows(database);
  // A group's or stream's history is some decisions: it is read from the log.
  const aggregates = new Aggregates({ log, snapshots: { load: async () => undefined }, metrics });
  const outbox = new Outbox({
    ...{ log, database, objects, keys, logger, url: settings.postgresUrl },
    tablesMade: async () => (await sorted.checkpoint().catch(() => undefined)) !== undefined,
  });
  const erasing = new Erasing({
    ...{ log, keys, objects, rows, logger, metrics },
    sorted: sorted.waitFor.bind(sorted),
  });
  const parts = {
    ...{ aggregates, rows, keys, log, store: objects.kind },
    decided: defined.waitFor.bind(defined),
    sorted: sorted.waitFor.bind(sorted),
  };
  const tokens = installationKeys.capabilities(STREAM_UPLOAD);
  const uploads = uploadMethods({ keys, tokens, now: Date.now });
  const access = accessMethods({
    ...{ rows: new StoredRows(database), keys, log, objects, store: objects.kind },
    ...{ tokens: installationKeys.capabilities(STREAM_ACCESS), now: Date.now },
  });
  const unused = new UnusedObjects({
    ...{ objects, keys, rows, logger, now: Date.now, url: settings.postgresUrl },
    upToDate: async () => {
      if (!(await sorted.waitFor(await log.lastSequence(SIGNALS), limits.readYourWritesMs))) return false;
      return (await sorted.status()).parked === 0;
    },
  });
  const served = { ...definitionMethods(parts), ...contentMethods(parts), ...uploads, ...access };
  const server = new RpcServer({
    address: listenAddress(settings.streamsGrpc, settings.grpcBind ?? settings.bind),
    ...{ token: settings.internalToken, logger, metrics, refusal },
  })
    .add(streams.StreamsService, served)
    .add(sealing.SealingService, {
      reseal: resealing(installationKeys.sealing, (asked) => keys.reseal(asked)),
    });

  lifecycle.add({ name: "log", stop: () => log.close() });
  lifecycle.add({ name: "database", stop: () => database.close() });
  lifecycle.add({ name: "definitions", start: () => defined.start(), stop: () => defined.stop() });
  lifecycle.add({ name: "sorting", start: () => sorted.start(), stop: () => sorted.stop() });
  lifecycle.add({ name: "outbox", start: async () => outbox.start(), stop: () => outbox.stop() });
  lifecycle.add({ name: "unused objects", start: async () => unused.start(), stop: () => unused.stop() });
  lifecycle.add({ name: "erasing", start: () => erasing.start(), stop: () => erasing.stop() });
  lifecycle.add({ name: "gRPC", start: () => server.start(), stop: () => server.stop() });

  health.add("log", () => log.ready());
  health.add("definitions", () => defined.ready());
  health.add("streams", () => sorted.ready());
}
