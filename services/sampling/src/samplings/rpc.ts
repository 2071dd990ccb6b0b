import { rpcFailure } from "@fieldlog/aggregates";
import { isId, limits } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { RpcError } from "@fieldlog/rpc";
import type { Served } from "../parts.js";
import type { Sampling } from "./device-samplings.js";
import { TooManySamplings, UnknownSampling } from "./refusals.js";
import type { FoundSampling, Rows } from "./rows.js";
import type { Samplings } from "./samplings.js";

export interface ServedSamplings {
  readonly samplings: Samplings;
  readonly rows: Pick<Rows, "sampling" | "list">;
  /** Whether the tables had reached the sequence of REGISTRY within that time. */
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
}

/** The methods on samplings of fieldlog.sampling.v1.SamplingService. */
export function samplingMethods(served: ServedSamplings): Served {
  return { ...userMethods(served), ...edgeMethods(served) };
}

function userMethods({ samplings, rows, waitFor }: ServedSamplings) {
  const reached = async (sequence: bigint | undefined) => {
    if (sequence !== undefined) await waitFor(Number(sequence), limits.readYourWritesMs);
  };
  return {
    requestSampling: async ({ namespace, device, asked, decidedBy }) => {
      const made = await samplings.request(idOf(namespace, device), asked, decidedBy || "system");
      return { sampling: toSampling(made), sequence: BigInt(made.sequence) };
    },
    cancelSampling: async ({ namespace, device, sampling, decidedBy }) => {
      const sequence = await samplings.cancel(idOf(namespace, device), sampling, decidedBy || "system");
      return { sequence: BigInt(sequence) };
    },
    getSampling: async ({ namespace, device, sampling, atLeast }) => {
      await reached(atLeast);
      const id = idOf(namespace, device);
      const found = isId(sampling) ? await rows.sampling(namespace, sampling) : undefined;
      if (found?.device !== id.id) throw new UnknownSampling();
      return { sampling: toSampling(found) };
    },
    listSamplings: async ({ namespace, device, state, limit, before, atLeast }) => {
      if (!isId(namespace)) throw new InvalidField("namespace", "is no id");
      if (limit < 1 || limit > limits.pageRows) {
        throw new InvalidField("limit", `is from 1 to ${limits.pageRows}`);
      }
      await reached(atLeast);
      const last = before === undefined ? undefined : Number(before);
      const found = await rows.list({ namespace, device, phase: state, limit: limit + 1, before: last });
      const page = found.slice(0, limit);
      const next = found.length > limit ? page.at(-1)?.sampling.number : undefined;
      return { samplings: page.map(toSampling), ...(next === undefined ? {} : { next: BigInt(next) }) };
    },
  } satisfies Served;
}

function edgeMethods({ samplings }: ServedSamplings) {
  return {
    reportStep: async ({ namespace, device, ...said }) => {
      return {
        sampling: await samplings.report(idOf(namespace, device), { ...said, percent: said.percent }),
      };
    },
    connected: async ({ namespace, device, connection }) => {
      await samplings.connected(idOf(namespace, device), connection);
      return {};
    },
    disconnected: async ({ namespace, device, connection }) => {
      await samplings.disconnected(idOf(namespace, device), connection);
      return {};
    },
  } satisfies Served;
}

/** Refusals and failures in gRPC's codes; undefined: not foreseen. */
export function refusal(error: unknown): RpcError | undefined {
  if (error instanceof UnknownSampling) return new RpcError("not_found", error.message);
  if (error instanceof TooManySamplings) return new RpcError("resource_exhausted", error.message);
  return rpcFailure(error);
}

function idOf(namespace: string, id: string): { namespace: string; id: string } {
  if (!isId(namespace)) throw new InvalidField("namespace", "is no id");
  if (!isId(id)) throw new InvalidField("device", "is no id");
  return { namespace, id };
}

function toSampling({ device, sampling, place }: FoundSampling) {
  const { id, number, phase: state, percent, sample, sampleNumber, endedAt } = sampling;
  return {
    ...{ id, number: BigInt(number), device, state, reason: sampling.reason ?? "", sample: sample ?? "" },
    asked: { ...sampling.asked, sampling: id, queuedUntil: BigInt(sampling.queuedUntil) },
    ...(percent === undefined ? {} : { percent }),
    ...(sampleNumber === undefined ? {} : { sampleNumber: BigInt(sampleNumber) }),
    ...{ requestedAt: BigInt(sampling.requestedAt), changedAt: BigInt(sampling.changedAt) },
    ...(endedAt === undefined ? {} : { endedAt: BigInt(endedAt) }),
    ...(place === undefined ? {} : { place }),
    steps: stepsOf(sampling),
  };
}

function stepsOf({ steps }: Sampling) {
  return steps.map(({ name, at }) => ({ name, at: BigInt(at) }));
}
