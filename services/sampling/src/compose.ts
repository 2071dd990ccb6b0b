import { sampling, sealing } from "@fieldlog/contracts";
import { connectLog, logOptions } from "@fieldlog/event-log";
import { openReadDatabase } from "@fieldlog/read-model";
import { RemoteDevices } from "@fieldlog/remote";
import { listenAddress, RpcServer, type ServiceImpl } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import { InstallationKeys, resealing } from "@fieldlog/sealing";
import { addSamples } from "./samples/add-samples.js";
import { sampleRefusal } from "./samples/rpc.js";
import { addSamplings } from "./samplings/add-samplings.js";
import { refusal } from "./samplings/rpc.js";
import { type SamplingTables, SCHEMA } from "./tables.js";
import { viewTokens } from "./views/view-tokens.js";

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime): Promise<void> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "postgresUrl", "internalToken", "installationKey");
  const now = Date.now;

  const log = await connectLog(logOptions(settings, runtime.service, logger));
  const database = openReadDatabase<SamplingTables>({
    url: settings.postgresUrl,
    schema: SCHEMA,
    metrics,
    onError: (err) => logger.warn({ err }, "lost a connection to Postgres"),
  });
  lifecycle.add({ name: "log", stop: () => log.close() });
  lifecycle.add({ name: "database", stop: () => database.close() });

  const parts = { runtime, log, database, remote: new RemoteDevices(log.connection), now };
  const installationKeys = new InstallationKeys(settings.installationKey);
  const views = viewTokens(installationKeys.capabilities("view"), now);
  const samplings = addSamplings(parts);
  const withSamplings = { ...parts, awaiting: samplings.awaiting };
  const { served: samples, keys } = await addSamples(withSamplings);
  const served = { ...samplings.served, ...samples, ...views } as ServiceImpl<
    typeof sampling.SamplingService
  >;
  const server = new RpcServer({
    address: listenAddress(settings.samplingGrpc, settings.grpcBind ?? settings.bind),
    ...{ token: settings.internalToken, logger, metrics },
    refusal: (error) => sampleRefusal(error) ?? refusal(error),
  })
    .add(sampling.SamplingService, served)
    .add(sealing.SealingService, {
      reseal: resealing(installationKeys.sealing, (asked) => keys.reseal(asked)),
    });
  lifecycle.add({ name: "gRPC", start: () => server.start(), stop: () => server.stop() });

  health.add("log", () => log.ready());
}
