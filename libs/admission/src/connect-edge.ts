import {
  type AggregateId,
  auth,
  devices,
  liveness,
  offers,
  projections,
  properties,
  provisioning,
  sampling,
  streams,
  subscriptions,
  tunnels,
} from "@fieldlog/contracts";
import { type Commit, connectLog, type EventLog, logOptions } from "@fieldlog/event-log";
import { type RpcClient, rpcClient } from "@fieldlog/rpc";
import { need, type Runtime } from "@fieldlog/runtime";
import { observeCommits, observeEdge } from "./edge-metrics.js";
import { createKnown, type Known } from "./known.js";
import { RegistryWatch } from "./registry-watch.js";

/** What every edge stands on: the log, whom it asks, and what it keeps in memory of who may do what. */
export interface Edge {
  readonly log: EventLog;
  readonly auth: RpcClient<typeof auth.AuthService>;
  readonly devices: RpcClient<typeof devices.DevicesService>;
  readonly projections: RpcClient<typeof projections.ProjectionsService>;
  readonly subscriptions: RpcClient<typeof subscriptions.SubscriptionsService>;
  readonly liveness: RpcClient<typeof liveness.LivenessService>;
  readonly offers: RpcClient<typeof offers.OffersService>;
  readonly sampling: RpcClient<typeof sampling.SamplingService>;
  readonly streams: RpcClient<typeof streams.StreamsService>;
  readonly provisioning: RpcClient<typeof provisioning.ProvisioningService>;
  readonly properties: RpcClient<typeof properties.PropertiesService>;
  readonly tunnels: RpcClient<typeof tunnels.TunnelsService>;
  readonly known: Known;
}

export interface ConnectEdgeOptions {
  /** The clock; ms since 1970 UTC. */
  readonly now: () => number;
  /** Told of every decision after what it changes was dropped from memory. */
  readonly onDecision?: (id: AggregateId, commit: Commit) => void;
}

/**
 * Connects to the log and to the services. They are closed, and the watch over decisions is started and stopped,
 * as the lifecycle's next parts; the edge is ready once the log answers and the watch has begun.
 * Raises SettingsError without the settings that this needs.
 */
export async function connectEdge(runtime: Runtime, { now, onDecision }: ConnectEdgeOptions): Promise<Edge> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "internalToken");
  const log = await connectLog({
    ...logOptions(settings, runtime.service, logger),
    onCommit: observeCommits(runtime),
  });
  const caller = { token: settings.internalToken, metrics };
  const clients = {
    auth: rpcClient(auth.AuthService, { ...caller, address: settings.authGrpc }),
    devices: rpcClient(devices.DevicesService, { ...caller, address: settings.devicesGrpc }),
    projections: rpcClient(projections.ProjectionsService, { ...caller, address: settings.projectionsGrpc }),
    subscriptions: rpcClient(subscriptions.SubscriptionsService, {
      ...caller,
      address: settings.subscriptionsGrpc,
    }),
    liveness: rpcClient(liveness.LivenessService, { ...caller, address: settings.livenessGrpc }),
    offers: rpcClient(offers.OffersService, { ...caller, address: settings.offersGrpc }),
    sampling: rpcClient(sampling.SamplingService, { ...caller, address: settings.samplingGrpc }),
    streams: rpcClient(streams.StreamsService, { ...caller, address: settings.streamsGrpc }),
    provisioning: rpcClient(provisioning.ProvisioningService, { ...caller, address: settings.authGrpc }),
    properties: rpcClient(properties.PropertiesService, { ...caller, address: settings.devicesGrpc }),
    tunnels: rpcClient(tunnels.TunnelsService, { ...caller, address: settings.devicesGrpc }),
  };
  const known = createKnown(clients, now);
  const watch = new RegistryWatch(log, known, logger, onDecision);

  lifecycle.add({ name: "log", stop: () => log.close() });
  lifecycle.add({
    name: "gRPC clients",
    stop: async () => {
      for (const client of Object.values(clients)) client.close();
    },
  });
  lifecycle.add({ name: "registry watch", start: () => watch.start(), stop: () => watch.stop() });
  health.add("log", () => log.ready());
  health.add("revocations", async () => watch.notReady());
  observeEdge(runtime, { known, log });
  return { log, ...clients, known };
}
