import { INSTALLATION, projections } from "@fieldlog/contracts";
import { connectLog, logOptions } from "@fieldlog/event-log";
import { listenAddress, RpcServer, servedOf } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import { composeShard } from "./compose-shard.js";
import { projectionsService, refusal } from "./rpc/service.js";
import { observeServers } from "./server-metrics.js";

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime): Promise<void> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "postgresUrl", "internalToken");
  const { postgresUrl } = settings;

  const log = await connectLog(logOptions(settings, runtime.service, logger));
  lifecycle.add({ name: "log", stop: () => log.close() });
  health.add("log", () => log.ready());
  const shards = log.signalsStreams.map((_, shard) => composeShard(runtime, { shard, log, postgresUrl }));
  const server = new RpcServer({
    address: listenAddress(settings.projectionsGrpc, settings.grpcBind ?? settings.bind),
    token: settings.internalToken,
    logger,
    metrics,
    refusal,
  }).add(projections.ProjectionsService, projectionsService(shards));
  lifecycle.add({ name: "gRPC", start: () => server.start(), stop: () => server.stop() });

  const { database } = servedOf(shards, INSTALLATION);
  observeServers(metrics, { log, database, monitorUrl: settings.natsMonitorUrl });
}
