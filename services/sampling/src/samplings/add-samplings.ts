import { Aggregates } from "@fieldlog/aggregates";
import { devices, limits, REGISTRY } from "@fieldlog/contracts";
import { ReadModelRunner } from "@fieldlog/read-model";
import { rpcClient } from "@fieldlog/rpc";
import { need } from "@fieldlog/runtime";
import { Teller } from "@fieldlog/telling";
import type { SamplingParts, Served } from "../parts.js";
import { SCHEMA } from "../tables.js";
import { Arrivals } from "./arrivals.js";
import { deviceSamplings } from "./device-samplings.js";
import { readModel } from "./read-model.js";
import { type AwaitingSampling, Rows } from "./rows.js";
import { samplingMethods } from "./rpc.js";
import { Samplings } from "./samplings.js";
import { sweepOf } from "./sweep.js";
import { Telling } from "./told/telling.js";

export interface AddedSamplings {
  readonly served: Served;
  /**
   * Those of a namespace that were sent and have not ended, the oldest first, as of everything that was decided by now.
   * Raises SnapshotsUnavailable, LogUnavailable.
   */
  readonly awaiting: (namespace: string) => Promise<AwaitingSampling[]>;
}

/** What devices are asked to sample. Its parts start and stop with the lifecycle, in the order in which they are added. */
export function addSamplings({ runtime, log, database, remote, now }: SamplingParts): AddedSamplings {
  const { logger, metrics, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "postgresUrl", "internalToken");
  const runner = new ReadModelRunner({ log, database, definition: readModel, logger, metrics });
  const waitFor = runner.waitFor.bind(runner);
  const rows = new Rows(database);
  const aggregates = new Aggregates({ log, snapshots: rows, metrics, withoutSnapshots: "read-the-log" });
  const caller = { token: settings.internalToken, metrics };
  const client = rpcClient(devices.DevicesService, { ...caller, address: settings.devicesGrpc });
  const samplings = new Samplings({ aggregates, rows, remote, devices: client, now });
  const arrivals = new Arrivals({ log, rows, samplings, waitFor, logger });
  const sweep = sweepOf({ rows, samplings, logger, now });
  const telling = new Telling({ rows, waitFor, metrics, now });
  const teller = new Teller({
    ...{ log, logger, metrics, kind: deviceSamplings.kind, signalsOf: (told) => telling.signalsOf(told) },
    ...{ url: settings.postgresUrl, schema: SCHEMA, replicas: settings.replicas },
  });

  lifecycle.add({ name: "client of devices", stop: async () => client.close() });
  lifecycle.add({
    name: "read model of samplings",
    start: () => runner.start(),
    stop: () => runner.stop(),
  });
  lifecycle.add({ name: "teller", start: async () => teller.start(), stop: () => teller.stop() });
  lifecycle.add({ name: "arrivals", start: () => arrivals.start(), stop: () => arrivals.stop() });
  lifecycle.add({ name: "sweep", start: async () => sweep.start(), stop: () => sweep.stop() });
  health.add("samplings", () => runner.ready());

  return {
    served: samplingMethods({ samplings, rows, waitFor }),
    awaiting: async (namespace) => {
      await waitFor(await log.lastSequence(REGISTRY), limits.readYourWritesMs);
      return await rows.awaiting(namespace);
    },
  };
}
