import { setTimeout as sleep } from "node:timers/promises";
import { projections } from "@fieldlog/contracts";
import { type RpcClient, rpcClient, rpcErrorOf } from "@fieldlog/rpc";
import { NoResult } from "../frame/benchmark.js";
import type { System } from "../system/system.js";

/** How the read model went through a backlog. */
export interface CatchUp {
  /** Signals per second, from its first progress to the end of the log. */
  readonly perSecond: number;
  readonly seconds: number;
}

const POLL_MS = 100;
const LONGEST_MS = 10 * 60_000;

/**
 * Starts `projections` on an empty database and watches it until every read model of the signals has reached
 * the end of the log. The clock starts at the first progress that is seen, and what was applied by then does
 * not count: the start of the process is not measured. Raises NoResult.
 */
export async function catchUp(
  system: System,
  databaseUrl: string,
  upTo: readonly number[],
): Promise<CatchUp> {
  const lastSequence = upTo.length - 1;
  await system.startProjections(databaseUrl);
  const client = rpcClient(projections.ProjectionsService, {
    address: system.projectionsGrpc,
    token: system.internalToken,
    deadlineMs: 1_000,
  });
  try {
    const deadline = performance.now() + LONGEST_MS;
    let first: { at: number; signals: number } | undefined;
    for (;;) {
      if (system.pid("projections") === 0) throw new NoResult("projections has ended");
      const readModels = await listed(client);
      const at = performance.now();
      if (at > deadline) throw new NoResult("the read model does not reach the end of the log");
      if (!readModels) continue;
      const ofSignals = readModels.filter((model) => SIGNAL_MODELS.has(model.name));
      if (ofSignals.length !== SIGNAL_MODELS.size)
        throw new NoResult(`read models: ${readModels.map((m) => m.name)}`);
      const stopped = ofSignals.find((model) => model.state === "stopped" || model.parkedDevices > 0);
      if (stopped) throw new NoResult(`the read model ${stopped.name} stopped or parked: ${stopped.reason}`);
      const sequence = Math.min(...ofSignals.map((model) => Number(model.sequence)));
      const applied = upTo[Math.min(sequence, lastSequence)] ?? 0;
      if (!first && applied > 0) first = { at, signals: applied };
      if (sequence >= lastSequence) {
        const seconds = (at - (first?.at ?? at)) / 1000;
        if (!first || seconds < 0.2) throw new NoResult("the backlog is too small to measure a rate");
        return { perSecond: (applied - first.signals) / seconds, seconds };
      }
      await sleep(POLL_MS);
    }
  } finally {
    client.close();
  }
}

/** Undefined while projections starts, and when it is too busy to say. */
async function listed(client: RpcClient<typeof projections.ProjectionsService>) {
  try {
    return (await client.listReadModels({})).readModels;
  } catch (error) {
    const { code } = rpcErrorOf(error);
    if (code === "unavailable" || code === "deadline_exceeded") return undefined;
    throw error;
  }
}

/** The read models that are built from the signals' log. */
export const SIGNAL_MODELS: ReadonlySet<string> = new Set(["events"]);
