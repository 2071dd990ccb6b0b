import { type Aggregates, rpcFailure } from "@fieldlog/aggregates";
import { isId, limits, REGISTRY, type streams } from "@fieldlog/contracts";
import type { DataKeys } from "@fieldlog/data-keys";
import { InvalidField, type Outcome } from "@fieldlog/decider";
import type { EventLog } from "@fieldlog/event-log";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import {
  checkName,
  ensureGroup,
  removeStream,
  type StreamState,
  setGroup,
  setStream,
  stream,
} from "./definitions/stream.js";
import { Incomplete, NotFound, TooMany } from "./refusals.js";
import type { FoundBatch, Rows } from "./rows.js";
import type { Defined, DefinedGroup, DefinedStream } from "./sorting/definitions.js";
import type { BatchFileRow, MessageRow } from "./sorting/tables.js";
import { batchParts } from "./storage/batch-parts.js";
import { pathOf } from "./storage/signals.js";

export type Served = ServiceImpl<typeof streams.StreamsService>;

export interface StreamsParts {
  readonly aggregates: Aggregates;
  readonly rows: Rows;
  readonly keys: Pick<DataKeys, "find">;
  readonly log: Pick<EventLog, "lastSequence">;
  /** "nats", "s3". */
  readonly store: string;
  /** True once the table of definitions, or of what came, has that sequence. */
  readonly decided: (sequence: number, timeoutMs: number) => Promise<boolean>;
  readonly sorted: (sequence: number, timeoutMs: number) => Promise<boolean>;
}

type Wait = (sequence: number, timeoutMs: number) => Promise<boolean>;

const reached = async (wait: Wait, sequence: bigint | number | undefined) => {
  if (sequence !== undefined) await wait(Number(sequence), limits.readYourWritesMs);
};

/** Groups and streams. */
export function definitionMethods({ aggregates, rows, decided, log }: StreamsParts) {
  const decide = async (
    namespace: string,
    id: string,
    decision: (state: StreamState) => Outcome<undefined>,
    by: string,
  ) => {
    const { snapshot } = await aggregates.transact(stream, { namespace, id }, decision, by || "system");
    await reached(decided, snapshot.sequence);
    return snapshot.sequence;
  };
  const all = async (namespace: string) => {
    await reached(decided, await log.lastSequence(REGISTRY));
    return groupsOf(await rows.decided(namespace));
  };
  const checkRoom = async (namespace: string, group: string, name: string) => {
    const groups = await all(namespace);
    const own = groups.get(group);
    if (own === undefined && groups.size >= limits.streamGroups)
      throw new TooMany("stream groups", limits.streamGroups);
    if (name === "" || own === undefined || own.streams.has(name)) return;
    if (own.streams.size >= limits.streamsPerGroup)
      throw new TooMany("streams of the group", limits.streamsPerGroup);
  };
  return {
    setGroup: async ({ namespace, group, set, decidedBy }) => {
      checkName("group", group);
      await checkRoom(checkNamespace(namespace), group, "");
      const asked = { defaultStream: set?.defaultStream ?? "", defaultGroup: set?.defaultGroup ?? false };
      return { sequence: BigInt(await decide(namespace, group, setGroup(asked), decidedBy)) };
    },
    setStream: async ({ namespace, group, stream: name, set, isDefault, decidedBy }) => {
      checkName("group", group);
      checkName("stream", name);
      await checkRoom(checkNamespace(namespace), group, name);
      const { concatenation = "", batchPattern = "", messagePattern = "" } = set ?? {};
      const asked = { concatenation: concatenation || "none", batchPattern, messagePattern };
      const decision = setStream(asked);
      // The group first: a stream is never without one.
      await decide(namespace, group, ensureGroup(isDefault ? name : ""), decidedBy);
      return { sequence: BigInt(await decide(namespace, `${group}/${name}`, decision, decidedBy)) };
    },
    removeStream: async ({ namespace, group, stream: name, decidedBy }) => {
      checkName("group", group);
      checkName("stream", name);
      return {
        sequence: BigInt(
          await decide(checkNamespace(namespace), `${group}/${name}`, removeStream, decidedBy),
        ),
      };
    },
    listGroups: async ({ namespace, atLeast }) => {
      await reached(decided, atLeast);
      const groups = [...groupsOf(await rows.decided(checkNamespace(namespace)))];
      return {
        groups: groups.map(([name, { set, streams: own }]) => ({
          ...{ name, set },
          streams: [...own].map(([streamName, of]) => ({
            ...{ group: name, name: streamName, set: of, isDefault: set.defaultStream === streamName },
          })),
        })),
      };
    },
  } satisfies Partial<Served>;
}

interface ListedGroup {
  readonly set: DefinedGroup;
  readonly streams: Map<string, DefinedStream>;
}

/** As they are now, by name. Of several groups that are to be the default one, the last is. */
function groupsOf(decided: readonly Defined[]): Map<string, ListedGroup> {
  const groups = new Map<string, ListedGroup>();
  let chosen: string | undefined;
  for (const { group, stream: name, set } of decided) {
    const own = groups.get(group) ?? { set: { defaultStream: "", defaultGroup: false }, streams: new Map() };
    if (name === "") {
      groups.set(group, { ...own, set: set as DefinedGroup });
      if ((set as DefinedGroup).defaultGroup) chosen = group;
    } else {
      groups.set(group, own);
      if (set === undefined) own.streams.delete(name);
      else own.streams.set(name, set as DefinedStream);
    }
  }
  const sorted = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(
    sorted.map(([name, of]) => [name, { ...of, set: { ...of.set, defaultGroup: name === chosen } }]),
  );
}

/** What came. */
export function contentMethods(parts: StreamsParts) {
  const { rows, keys, store, sorted } = parts;
  return {
    listBatches: async ({ namespace, limit, before, atLeast, ...which }) => {
      checkPage(namespace, limit);
      await reached(sorted, atLeast);
      const found = await rows.batches(
        namespace,
        which,
        limit,
        before === undefined ? undefined : Number(before),
      );
      const next = found.length === limit ? found.at(-1)?.number : undefined;
      return { batches: found.map(toBatch), ...(next === undefined ? {} : { next: BigInt(next) }) };
    },
    listMessages: async ({ namespace, limit, after, atLeast, ...which }) => {
      checkPage(namespace, limit);
      await reached(sorted, atLeast);
      const found = await rows.messages(namespace, which, limit, Number(after ?? 0n));
      const next = found.length === limit ? found.at(-1)?.position : undefined;
      return { messages: found.map(toMessage), ...(next === undefined ? {} : { next: BigInt(next) }) };
    },
    getMessage: async ({ namespace, position }) => {
      const message = await rows.message(checkNamespace(namespace), numberOf(position, "message"));
      if (message === undefined) throw new NotFound("message");
      if (message.object === null) throw new Incomplete();
      const key = await keys.find(namespace, message.device);
      if (message.object === "" || key === undefined) throw new NotFound("message");
      const objectBytes = [BigInt(message.bytes)];
      return { message: toMessage(message), object: { store, objects: [message.object], objectBytes, key } };
    },
    getBatch: async ({ namespace, number, slice }) => {
      const batch = await rows.batch(checkNamespace(namespace), numberOf(number, "batch"));
      if (batch === undefined) throw new NotFound("batch");
      if (batch.completed_at === null) throw new Incomplete();
      const which = { group: "", stream: "", device: "", batch: "", batchNumber: batch.number, slice };
      const told = { batch: toBatch(batch), concatenation: batch.concatenation };
      const file = await rows.batchFile(namespace, batch.number, slice);
      if (file !== undefined) return { ...told, object: await fileObject(parts, file) };
      const messages = await rows.messages(namespace, which, limits.pageRows, 0);
      return { ...told, messages: messages.map(toMessage) };
    },
    listDeadLetters: async ({ namespace, limit, after }) => {
      checkPage(namespace, limit);
      const found = await rows.deadLetters(namespace, limit, Number(after ?? 0n));
      const deadLetters = found.map(
        ({ position, device, reason, grp, stream: name, bytes, received_at }) => ({
          ...{ position: BigInt(position), device, reason, group: grp, stream: name },
          ...{ bytes: BigInt(bytes), receivedAt: BigInt(received_at.getTime()) },
        }),
      );
      const next = found.length === limit ? deadLetters.at(-1)?.position : undefined;
      return { deadLetters, ...(next === undefined ? {} : { next }) };
    },
  } satisfies Partial<Served>;
}

/** Where a batch's file lies. Raises NotFound. */
async function fileObject(
  { keys, store }: Pick<StreamsParts, "keys" | "store">,
  { namespace, device, number, slice, bytes }: BatchFileRow,
) {
  const key = await keys.find(namespace, device);
  if (key === undefined) throw new NotFound("batch");
  const parts = batchParts({ namespace, device, batch: Number(number), slice }, Number(bytes));
  const objects = parts.map(({ object }) => object);
  return { store, objects, objectBytes: parts.map((part) => BigInt(part.bytes)), key };
}

/** Refusals and failures in gRPC's codes; undefined: not foreseen. */
export function refusal(error: unknown): RpcError | undefined {
  if (error instanceof NotFound) return new RpcError("not_found", error.message);
  if (error instanceof Incomplete) return new RpcError("failed_precondition", error.message);
  if (error instanceof TooMany) return new RpcError("resource_exhausted", error.message);
  return rpcFailure(error);
}

function toBatch(batch: FoundBatch) {
  const {
    number,
    grp: group,
    stream: name,
    device,
    id,
    messages,
    bytes,
    begun_at,
    completed_at,
    slices,
  } = batch;
  return {
    ...{ number: BigInt(number), group, stream: name, device, id, complete: completed_at !== null },
    ...{
      messages: BigInt(messages),
      bytes: BigInt(bytes),
      begunAt: BigInt(begun_at.getTime()),
      slices: [...slices],
    },
    ...(completed_at === null ? {} : { completedAt: BigInt(completed_at.getTime()) }),
  };
}

function toMessage(message: MessageRow) {
  const {
    position,
    grp: group,
    stream: name,
    device,
    batch_id: batch,
    slice,
    id,
    site,
    bytes,
    complete,
    chunks,
  } = message;
  return {
    ...{ position: BigInt(position), group, stream: name, device, batch, slice, id, site, complete, chunks },
    ...{ bytes: BigInt(bytes), sha256: message.sha256 ?? new Uint8Array(), path: pathOf(message) },
    receivedAt: BigInt(message.received_at.getTime()),
  };
}

function checkNamespace(namespace: string): string {
  if (!isId(namespace)) throw new InvalidField("namespace", "is no id");
  return namespace;
}

function checkPage(namespace: string, limit: number): void {
  checkNamespace(namespace);
  if (limit < 1 || limit > limits.pageRows)
    throw new InvalidField("limit", `is from 1 to ${limits.pageRows}`);
}

function numberOf(number: bigint, what: string): number {
  if (number < 1n || number >= 2n ** 53n) throw new NotFound(what);
  return Number(number);
}
