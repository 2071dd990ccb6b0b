import { setTimeout as sleep } from "node:timers/promises";
import { projections } from "@fieldlog/contracts";
import { type RpcClient, rpcClient, rpcErrorOf } from "@fieldlog/rpc";
import { NoResult } from "../frame/benchmark.js";
import type { OneService } from "../system/one-service.js";

export type Projections = RpcClient<typeof projections.ProjectionsService>;

/** A look asks Postgres and the log of each read model: on a long way there are few. */
const POLL_MS = 50;
const LATER_POLL_MS = 200;
const EARLY_MS = 2_000;
const LONGEST_MS = 10 * 60_000;

export function openProjections(stage: OneService): Projections {
  const { grpc: address, token } = stage;
  return rpcClient(projections.ProjectionsService, { address, token, deadlineMs: 5_000 });
}

/** Undefined while it starts. */
export async function statusOf(client: Projections, name: string) {
  try {
    const { readModels } = await client.listReadModels({});
    const model = readModels.find((each) => each.name === name);
    if (model?.state === "stopped" || (model?.parkedDevices ?? 0) > 0) {
      throw new NoResult(`the read model ${name} stopped or parked: ${model?.reason}`);
    }
    return model;
  } catch (error) {
    if (error instanceof NoResult) throw error;
    const { code } = rpcErrorOf(error);
    if (code === "unavailable" || code === "deadline_exceeded") return undefined;
    throw error;
  }
}

/**
 * Watches sequences grow up to the last one. What was applied at the first look at any progress does not count, nor
 * does the time before it. `at` says how many signals are in the log up to a sequence. Signals per second.
 */
export async function rateUpTo(
  last: number,
  signalsUpTo: (sequence: number) => number,
  look: () => Promise<number | undefined>,
  signal: AbortSignal,
): Promise<number> {
  const deadline = performance.now() + LONGEST_MS;
  let first: { at: number; signals: number } | undefined;
  for (;;) {
    signal.throwIfAborted();
    const sequence = await look();
    const at = performance.now();
    if (at > deadline) throw new NoResult("the read model does not reach the end of the log");
    const applied = sequence === undefined ? 0 : signalsUpTo(Math.min(sequence, last));
    if (first === undefined && applied > 0) first = { at, signals: applied };
    if (sequence !== undefined && sequence >= last) {
      const seconds = (at - (first?.at ?? at)) / 1_000;
      if (first === undefined || seconds < 0.2) {
        throw new NoResult("the backlog is too small to measure a rate");
      }
      return (applied - first.signals) / seconds;
    }
    await sleep(first !== undefined && at - first.at > EARLY_MS ? LATER_POLL_MS : POLL_MS);
  }
}
