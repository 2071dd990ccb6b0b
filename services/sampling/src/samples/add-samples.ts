import { Aftermath, Aggregates } from "@fieldlog/aggregates";
import { auth, devices, SAMPLE_KEYS } from "@fieldlog/contracts";
import { DataKeys } from "@fieldlog/data-keys";
import { openObjects } from "@fieldlog/objects";
import { ReadModelRunner } from "@fieldlog/read-model";
import { type RpcClient, RpcError, rpcClient } from "@fieldlog/rpc";
import { need } from "@fieldlog/runtime";
import { InstallationKeys } from "@fieldlog/sealing";
import { Models } from "../models/models.js";
import type { SamplingParts, Served } from "../parts.js";
import type { AwaitingSampling } from "../samplings/rows.js";
import { Consequences } from "./aftermath/consequences.js";
import { follow, KINDS } from "./aftermath/follow.js";
import { mostBytes } from "./policies.js";
import { Presence } from "./presence.js";
import { readModel } from "./read-model.js";
import { Rows } from "./rows.js";
import { sampleMethods } from "./rpc.js";
import { Samples } from "./samples.js";

export interface SamplesStandOn extends SamplingParts {
  /** Samplings of a namespace that were sent and have not ended, the oldest first. */
  readonly awaiting: (namespace: string) => Promise<AwaitingSampling[]>;
}

/** What is stored. Its parts start and stop with the lifecycle, in the order in which they are added. */
export async function addSamples({
  runtime,
  log,
  database,
  awaiting,
  now,
}: SamplesStandOn): Promise<{ readonly served: Served; readonly keys: DataKeys }> {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "internalToken", "installationKey");
  const { sealing } = new InstallationKeys(settings.installationKey);
  const { replicas } = settings;
  const keys = await DataKeys.open(log.connection, { bucket: SAMPLE_KEYS, replicas, sealing });
  const objects = openObjects(log.connection, settings);
  const runner = new ReadModelRunner({ log, database, definition: readModel, logger, metrics });
  const waitFor = runner.waitFor.bind(runner);
  const rows = new Rows(database);
  const aggregates = new Aggregates({ log, snapshots: rows, metrics, withoutSnapshots: "read-the-log" });
  const client = rpcClient(auth.AuthService, {
    ...{ token: settings.internalToken, metrics, address: settings.authGrpc },
  });
  const devicesClient = rpcClient(devices.DevicesService, {
    ...{ token: settings.internalToken, metrics, address: settings.devicesGrpc },
  });
  const presence = new Presence(keys, objects);
  const deciding = { aggregates, rows, waitFor, log, keys, presence, mostBytes: mostBytes(client) };
  const samples = new Samples({ ...deciding, awaiting, nameOf: namesBy(devicesClient), now });
  const models = new Models(deciding);
  const consequences = new Consequences({ log, samples, models, rows, waitFor, objects, keys });
  const aftermath = new Aftermath({
    ...{ log, name: "samples", kinds: KINDS, logger, metrics },
    follows: (kind, decision) => follow(consequences, kind, decision),
  });

  lifecycle.add({
    name: "clients of samples",
    stop: async () => {
      client.close();
      devicesClient.close();
    },
  });
  lifecycle.add({
    name: "read model of samples",
    start: () => runner.start(),
    stop: () => runner.stop(),
  });
  lifecycle.add({
    name: "aftermath of samples",
    start: () => aftermath.start(),
    stop: () => aftermath.stop(),
  });
  health.add("samples", () => runner.ready());
  return { served: sampleMethods({ samples, models, keys, waitFor }), keys };
}

/** Of a device that is not registered: empty. */
function namesBy(client: Pick<RpcClient<typeof devices.DevicesService>, "getDevice">) {
  return async (namespace: string, device: string): Promise<string> => {
    try {
      return (await client.getDevice({ namespace, device })).device?.metadata?.name ?? "";
    } catch (error) {
      if (error instanceof RpcError && error.code === "not_found") return "";
      throw error;
    }
  };
}
