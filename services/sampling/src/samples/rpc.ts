import { isId, limits } from "@fieldlog/contracts";
import { type DataKeys, DeviceErased } from "@fieldlog/data-keys";
import { InvalidField } from "@fieldlog/decider";
import { ObjectsUnavailable } from "@fieldlog/objects";
import { RpcError } from "@fieldlog/rpc";
import type { MadeModel } from "../models/model.js";
import type { Models } from "../models/models.js";
import type { Served } from "../parts.js";
import { storedOf } from "./content.js";
import {
  AlreadyStored,
  ContentGone,
  ContentUnderWay,
  StorageFull,
  TooManyModels,
  UnknownModel,
  UnknownSample,
} from "./refusals.js";
import type { FoundSample } from "./rows.js";
import { eventOf } from "./sample.js";
import type { Samples } from "./samples.js";

export interface ServedSamples {
  readonly samples: Samples;
  readonly models: Models;
  readonly keys: Pick<DataKeys, "get">;
  /** Whether the tables had reached the sequence of REGISTRY within that time. */
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
}

/** The methods on samples and models of fieldlog.sampling.v1.SamplingService. */
export function sampleMethods(served: ServedSamples): Served {
  return { ...storing(served), ...reading(served), ...modelMethods(served) };
}

type Reached = (sequence: bigint | number | undefined) => Promise<void>;

function reachedBy({ waitFor }: ServedSamples): Reached {
  return async (sequence) => {
    if (sequence !== undefined) await waitFor(Number(sequence), limits.readYourWritesMs);
  };
}

function storing(served: ServedSamples) {
  const { samples, keys } = served;
  const reached = reachedBy(served);
  return {
    getSampleKey: async ({ namespace, device }) => {
      checkNamespace(namespace);
      if (device !== "" && !isId(device)) throw new InvalidField("device", "is no id");
      return { key: await keys.get(namespace, device) };
    },
    storeSample: async ({ namespace, id, ...asked }) => {
      checkNamespace(namespace);
      const stored = await samples.store(
        { namespace, id },
        { ...asked, decidedBy: asked.decidedBy || "system" },
      );
      await reached(stored.sequence);
      return { sample: toSample(stored), sequence: BigInt(stored.sequence) };
    },
    changeSample: async ({ namespace, number, change, decidedBy }) => {
      const asked = [numberOf(number), change, decidedBy || "system"] as const;
      const changed = await samples.change(namespaceOf(namespace), ...asked);
      await reached(changed.sequence);
      return { sample: toSample(changed), sequence: BigInt(changed.sequence) };
    },
    removeSample: async ({ namespace, number, decidedBy }) => {
      const by = decidedBy || "system";
      const sequence = await samples.remove(namespaceOf(namespace), numberOf(number), by);
      await reached(sequence);
      return { sequence: BigInt(sequence) };
    },
  } satisfies Served;
}

function reading(served: ServedSamples) {
  const { samples } = served;
  const reached = reachedBy(served);
  return {
    getSample: async ({ namespace, number, id, atLeast }) => {
      await reached(atLeast);
      if (number === 0n && !isId(id)) throw new UnknownSample();
      const which = number === 0n ? { id } : { number: numberOf(number) };
      const found = await samples.get(namespaceOf(namespace), which);
      return { sample: toSample(found), key: found.key ?? new Uint8Array() };
    },
    listSamples: async ({ namespace, filter, limit, after, atLeast }) => {
      checkNamespace(namespace);
      if (limit < 1 || limit > limits.pageRows) {
        throw new InvalidField("limit", `is from 1 to ${limits.pageRows}`);
      }
      await reached(atLeast);
      const page = await samples.list(namespace, filter ?? {}, limit, Number(after ?? 0n));
      const last = page.isLast ? undefined : page.samples.at(-1)?.made.number;
      return { samples: page.samples.map(toSample), ...(last === undefined ? {} : { next: BigInt(last) }) };
    },
    countSamples: async ({ namespace, filter, atLeast }) => {
      checkNamespace(namespace);
      await reached(atLeast);
      const counts = await samples.count(namespace, filter ?? {});
      return {
        counts: counts.map((one) => ({
          ...{ category: one.category, label: one.label, lengthMs: one.lengthMs },
          ...{ samples: BigInt(one.samples), bytes: BigInt(one.bytes) },
        })),
      };
    },
  } satisfies Served;
}

function modelMethods(served: ServedSamples) {
  const { models } = served;
  const reached = reachedBy(served);
  return {
    storeModel: async ({ namespace, model, decidedBy }) => {
      checkNamespace(namespace);
      const { version, sequence } = await models.store(namespace, model, decidedBy || "system");
      await reached(sequence);
      return { version, sequence: BigInt(sequence) };
    },
    getModel: async ({ namespace, version, atLeast }) => {
      checkNamespace(namespace);
      await reached(atLeast);
      const { made, key } = await models.get(namespace, version);
      return { model: toModel(made), key: key ?? new Uint8Array() };
    },
    listModels: async ({ namespace, atLeast }) => {
      checkNamespace(namespace);
      await reached(atLeast);
      return { models: (await models.list(namespace)).map(toModel) };
    },
    removeModel: async ({ namespace, version, decidedBy }) => {
      checkNamespace(namespace);
      const sequence = await models.remove(namespace, version, decidedBy || "system");
      await reached(sequence);
      return { sequence: BigInt(sequence) };
    },
  } satisfies Served;
}

/** Refusals of samples and models in gRPC's codes; undefined: none of them. */
export function sampleRefusal(error: unknown): RpcError | undefined {
  if (error instanceof UnknownSample || error instanceof UnknownModel) {
    return new RpcError("not_found", error.message);
  }
  if (error instanceof AlreadyStored) return new RpcError("already_exists", error.message);
  if (error instanceof DeviceErased) {
    return new RpcError("failed_precondition", error.message, { reason: "erased" });
  }
  if (error instanceof ContentGone) {
    return new RpcError("failed_precondition", error.message, { reason: "gone" });
  }
  if (error instanceof StorageFull || error instanceof TooManyModels) {
    return new RpcError("resource_exhausted", error.message);
  }
  if (error instanceof ContentUnderWay || error instanceof ObjectsUnavailable) {
    return new RpcError("unavailable", error.message, { retryAfterS: "1" });
  }
  return undefined;
}

function checkNamespace(namespace: string): void {
  if (!isId(namespace)) throw new InvalidField("namespace", "is no id");
}

/** Of a namespace that can be none there is nothing. */
function namespaceOf(namespace: string): string {
  if (!isId(namespace)) throw new UnknownSample();
  return namespace;
}

function numberOf(number: bigint): number {
  if (number < 1n || number >= 2n ** 53n) throw new UnknownSample();
  return Number(number);
}

function toSample({ id, made }: FoundSample) {
  const { number, sample, storedAt, changedAt } = made;
  const times = { storedAt: BigInt(storedAt), changedAt: BigInt(changedAt) };
  return { id, number: BigInt(number), stored: eventOf(sample), ...times };
}

function toModel({ version, name, mediaType, content, storedAt }: MadeModel) {
  return { stored: { version, name, mediaType, stored: storedOf(content) }, storedAt: BigInt(storedAt) };
}
