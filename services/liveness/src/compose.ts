import { liveness } from "@fieldlog/contracts";
import { connectLog, logOptions } from "@fieldlog/event-log";
import { byShard, listenAddress, RpcServer } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import { composeShard } from "./compose-shard.js";
import { observeDevices } from "./metrics.js";
import { refusal } from "./rpc.js";

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime): Promise<void> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "postgresUrl", "internalToken");
  const { postgresUrl, internalToken: token } = settings;
  const now = Date.now;

  const log = await connectLog(logOptions(settings, runtime.service, logger));
  lifecycle.add({ name: "log", stop: () => log.close() });
  const shards = log.signalsStreams.map((_, shard) =>
    composeShard(runtime, { shard, log, postgresUrl, now }),
  );
  const server = new RpcServer({
    address: listenAddress(settings.livenessGrpc, settings.grpcBind ?? settings.bind),
    ...{ token, logger, metrics, refusal },
  }).add(liveness.LivenessService, byShard(shards.map(({ service }) => service)));
  lifecycle.add({ name: "gRPC", start: () => server.start(), stop: () => server.stop() });

  observeDevices(
    metrics,
    shards.map(({ table }) => table),
    log,
    now,
  );
  health.add("log", () => log.ready());
}
