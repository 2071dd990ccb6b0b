import { Aggregates } from "@fieldlog/aggregates";
import { STREAM_KEYS, sealing, streams } from "@fieldlog/contracts";
import { DataKeys } from "@fieldlog/data-keys";
import { connectLog, logOptions } from "@fieldlog/event-log";
import { openObjects } from "@fieldlog/objects";
import { byShard, listenAddress, RpcServer, servedOf } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import { InstallationKeys, resealing } from "@fieldlog/sealing";
import { accessMethods, STREAM_ACCESS } from "./access/access-methods.js";
import { composeShard } from "./compose-shard.js";
import { refusal } from "./rpc.js";
import { Erasing } from "./storage/erasing.js";
import { UnusedObjects } from "./storage/unused-objects.js";
import { STREAM_UPLOAD, uploadMethods } from "./uploads/upload-methods.js";

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime): Promise<void> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "postgresUrl", "internalToken", "installationKey");
  const { postgresUrl, replicas } = settings;

  const log = await connectLog(logOptions(settings, runtime.service, logger));
  lifecycle.add({ name: "log", stop: () => log.close() });
  health.add("log", () => log.ready());
  const installationKeys = new InstallationKeys(settings.installationKey);
  const keys = await DataKeys.open(log.connection, {
    bucket: STREAM_KEYS,
    replicas,
    sealing: installationKeys.sealing,
  });
  const objects = openObjects(log.connection, settings);
  // A group's or stream's history is some decisions: it is read from the log.
  const aggregates = new Aggregates({ log, snapshots: { load: async () => undefined }, metrics });
  const shards = log.signalsStreams.map((_, shard) =>
    composeShard(runtime, { shard, log, postgresUrl, aggregates, keys, objects }),
  );
  const tablesOf = (namespace: string) => servedOf(shards, namespace);
  const erasing = new Erasing({ log, keys, objects, tablesOf, logger, metrics });
  const tokens = installationKeys.capabilities(STREAM_UPLOAD);
  const uploads = uploadMethods({ keys, tokens, now: Date.now });
  const access = accessMethods({
    ...{ rowsOf: (namespace) => tablesOf(namespace).stored, keys, log, objects, store: objects.kind },
    ...{ tokens: installationKeys.capabilities(STREAM_ACCESS), now: Date.now },
  });
  const unused = new UnusedObjects({
    ...{ objects, keys, shards, logger, now: Date.now, url: postgresUrl },
  });
  const served = { ...byShard(shards.map(({ methods }) => methods)), ...uploads, ...access };
  const server = new RpcServer({
    address: listenAddress(settings.streamsGrpc, settings.grpcBind ?? settings.bind),
    ...{ token: settings.internalToken, logger, metrics, refusal },
  })
    .add(streams.StreamsService, served)
    .add(sealing.SealingService, {
      reseal: resealing(installationKeys.sealing, (asked) => keys.reseal(asked)),
    });

  lifecycle.add({ name: "unused objects", start: async () => unused.start(), stop: () => unused.stop() });
  lifecycle.add({ name: "erasing", start: () => erasing.start(), stop: () => erasing.stop() });
  lifecycle.add({ name: "gRPC", start: () => server.start(), stop: () => server.stop() });
}
