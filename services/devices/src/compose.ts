import { Aggregates, Snapshots, type SnapshotTables } from "@fieldlog/aggregates";
import { auth, devices, properties, tunnels } from "@fieldlog/contracts";
import { connectLog, logOptions } from "@fieldlog/event-log";
import { openReadDatabase, ReadModelRunner } from "@fieldlog/read-model";
import { listenAddress, RpcServer, rpcClient } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import { InstallationKeys } from "@fieldlog/sealing";
import { addFleet } from "./fleet/add-fleet.js";
import { fleetRefusal } from "./fleet/rpc.js";
import { Outbox } from "./outbox/outbox.js";
import { addProperties } from "./properties/add-properties.js";
import { propertiesRefusal } from "./properties/rpc.js";
import { readModel, SCHEMA } from "./read-model.js";
import { devicesService, refusal } from "./rpc.js";
import { Configurations } from "./service/configurations.js";
import { deviceLimitOf } from "./service/device-limit.js";
import { Devices } from "./service/devices.js";
import { EditTokens } from "./service/edit-tokens.js";
import { namingOf } from "./service/unique-names.js";
import { addTunnels } from "./tunnels/add-tunnels.js";
import { tunnelsRefusal } from "./tunnels/rpc.js";

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime): Promise<void> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "postgresUrl", "internalToken", "installationKey");

  const log = await connectLog(logOptions(settings, runtime.service, logger));
  const database = openReadDatabase<SnapshotTables>({
    url: settings.postgresUrl,
    schema: SCHEMA,
    metrics,
    onError: (err) => logger.warn({ err }, "lost a connection to Postgres"),
  });
  const runner = new ReadModelRunner({ log, database, definition: readModel, logger, metrics });
  const snapshots = new Snapshots(database, readModel.version);
  const aggregates = new Aggregates({ log, snapshots, metrics, withoutSnapshots: "read-the-log" });
  const configurations = new Configurations(aggregates);
  const outbox = new Outbox({ log, configurations, snapshots, readModel: runner, database, logger, metrics });
  const authClient = rpcClient(auth.AuthService, {
    ...{ token: settings.internalToken, metrics, address: settings.authGrpc },
  });
  const naming = namingOf(authClient, snapshots);
  const checkLimit = deviceLimitOf(authClient, snapshots);
  const own = new Devices({ aggregates, naming, checkLimit });
  const erasing = { aggregates, devices: own, clearings: log.clearings };
  const capabilities = new InstallationKeys(settings.installationKey).capabilities("edit");
  const editTokens = new EditTokens(aggregates, capabilities);
  lifecycle.add({ name: "log", stop: () => log.close() });
  lifecycle.add({ name: "database", stop: () => database.close() });
  lifecycle.add({ name: "gRPC client", stop: async () => authClient.close() });
  lifecycle.add({ name: "read model", start: () => runner.start(), stop: () => runner.stop() });
  lifecycle.add({ name: "outbox", start: () => outbox.start(), stop: () => outbox.stop() });
  const ofProperties = addProperties({ runtime, log, devices: own });
  const ofFleets = addFleet({ runtime, log, properties: ofProperties });
  const ofTunnels = addTunnels({ runtime, log, aggregates, devices: own, auth: authClient });
  const server = new RpcServer({
    address: listenAddress(settings.devicesGrpc, settings.grpcBind ?? settings.bind),
    ...{ token: settings.internalToken, logger, metrics },
    refusal: (error) =>
      propertiesRefusal(error) ?? fleetRefusal(error) ?? tunnelsRefusal(error) ?? refusal(error),
  })
    .add(devices.DevicesService, devicesService(own, configurations, editTokens, erasing))
    .add(properties.PropertiesService, { ...ofProperties.served, ...ofFleets })
    .add(tunnels.TunnelsService, ofTunnels);
  lifecycle.add({ name: "gRPC", start: () => server.start(), stop: () => server.stop() });

  health.add("log", () => log.ready());
  health.add("database", () => runner.ready());
  health.add("outbox", () => outbox.ready());
}
