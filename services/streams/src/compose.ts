import { streams } from "@fieldlog/contracts";
import { connectLog, logOptions } from "@fieldlog/event-log";
import { listenAddress, RpcServer, type ServiceImpl } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime): Promise<void> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "postgresUrl", "internalToken", "installationKey");

  const log = await connectLog(logOptions(settings, runtime.service, logger));
  lifecycle.add({ name: "log", stop: () => log.close() });

  const served = {} as ServiceImpl<typeof streams.StreamsService>;
  const server = new RpcServer({
    address: listenAddress(settings.streamsGrpc, settings.grpcBind ?? settings.bind),
    ...{ token: settings.internalToken, logger, metrics },
  }).add(streams.StreamsService, served);
  lifecycle.add({ name: "gRPC", start: () => server.start(), stop: () => server.stop() });

  health.add("log", () => log.ready());
}
