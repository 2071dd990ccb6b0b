import type { Position } from "@fieldlog/contracts";
import type { Subscription } from "../subscriptions/subscription.js";
import type { InFlight } from "./in-flight.js";
import type { Will } from "./types.js";

/** A subscription as it is kept. */
export interface KeptSubscription extends Subscription {
  /** Its retained messages up to here are still to be sent; absent: they were, or none are wanted. */
  readonly retainedUpTo?: Position | undefined;
}

export type KeptInFlight = Omit<InFlight, "sent" | "ticket">;

/** A message with QoS 2 that came and was not released. */
export interface KeptInbound {
  readonly packetId: number;
  /** What it is stored under. */
  readonly identity: string;
  /** It is not in the log up to this sequence. */
  readonly sequence: number;
  readonly stored: boolean;
  /** Of its content: what comes again under its packet id is the same only if that is. Empty: not known. */
  readonly digest: string;
}

/** What is kept of a session that outlives its connection, or has a will. */
export interface SessionRecord {
  readonly principal: string;
  /** The edge that its client is connected to; empty: none. */
  readonly owner: string;
  /** Seconds that it outlives its connection. */
  readonly expiryS: number;
  /** ms since 1970 UTC: when it ends, where its client is not connected. */
  readonly expiresAt: number | undefined;
  /** Everything up to here was sent, or is in flight. */
  readonly cursor: Position;
  readonly subscriptions: readonly KeptSubscription[];
  readonly outbound: readonly KeptInFlight[];
  readonly inbound: readonly KeptInbound[];
  readonly will: Will | undefined;
  /** ms since 1970 UTC: when the will is to be published, where its client is not connected. */
  readonly willDueAt: number | undefined;
}

const VERSION = 1;

/** The record as it is stored: JSON with a version. Its names and places are the storage format. */
export function encodeRecord(record: SessionRecord): Uint8Array {
  const { subscriptions, outbound, inbound, will, ...rest } = record;
  return Buffer.from(
    JSON.stringify({
      version: VERSION,
      ...rest,
      subscriptions: subscriptions.map((each) => [
        ...[each.filter, each.share ?? null, each.qos, Number(each.noLocal), Number(each.retainAsPublished)],
        ...[each.id ?? null, each.after, each.retainedUpTo ?? null],
      ]),
      outbound: outbound.map((each) => [
        ...[each.packetId, each.position, each.qos, Number(each.retain), Number(each.state === "release")],
        each.subscriptionIds,
      ]),
      inbound: inbound.map((each) => [
        ...[each.packetId, each.identity, each.sequence, Number(each.stored), each.digest],
      ]),
      will: will && encodeWill(will),
    }),
  );
}

type Stored = Omit<SessionRecord, "subscriptions" | "outbound" | "inbound" | "will"> & {
  readonly version: number;
  readonly subscriptions: readonly [
    ...[string, string | null, 0 | 1 | 2, number, number, number | null, number, number | null],
  ][];
  readonly outbound: readonly [number, number, 1 | 2, number, number, readonly number[]][];
  readonly inbound: readonly [number, string, number, number, string?][];
  readonly will?: StoredWill;
};

/** Raises RangeError for a version that is not known. */
export function decodeRecord(data: Uint8Array): SessionRecord {
  const stored = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString()) as Stored;
  if (stored.version !== VERSION) throw new RangeError(`a session of version ${stored.version}`);
  const { principal, owner, expiryS, expiresAt, cursor, willDueAt } = stored;
  return {
    ...{ principal, owner, expiryS, expiresAt, cursor, willDueAt },
    subscriptions: stored.subscriptions.map(
      ([filter, share, qos, noLocal, asPublished, id, after, upTo]) => ({
        ...{ filter, qos, after, noLocal: noLocal === 1, retainAsPublished: asPublished === 1 },
        ...{ share: share ?? undefined, id: id ?? undefined, retainedUpTo: upTo ?? undefined },
      }),
    ),
    outbound: stored.outbound.map(([packetId, position, qos, retain, released, subscriptionIds]) => ({
      ...{ packetId, position, qos, subscriptionIds, retain: retain === 1 },
      state: released === 1 ? "release" : "publish",
    })),
    inbound: stored.inbound.map(([packetId, identity, sequence, kept, digest = ""]) => ({
      ...{ packetId, identity, sequence, stored: kept === 1, digest },
    })),
    will: stored.will && decodeWill(stored.will),
  };
}

type StoredWill = Omit<Will, "payload" | "properties"> & {
  readonly payload: string;
  readonly properties?: Omit<NonNullable<Will["properties"]>, "correlationData"> & {
    readonly correlationData?: string;
  };
};

function encodeWill({ payload, properties, ...rest }: Will): StoredWill {
  const will = { ...rest, payload: Buffer.from(payload).toString("base64") };
  if (properties === undefined) return will;
  const { correlationData, ...others } = properties;
  if (correlationData === undefined) return { ...will, properties: others };
  return {
    ...will,
    properties: { ...others, correlationData: Buffer.from(correlationData).toString("base64") },
  };
}

function decodeWill({ payload, properties, ...rest }: StoredWill): Will {
  const will = { ...rest, payload: Buffer.from(payload, "base64") };
  if (properties === undefined) return will;
  const { correlationData, ...others } = properties;
  if (correlationData === undefined) return { ...will, properties: others };
  return { ...will, properties: { ...others, correlationData: Buffer.from(correlationData, "base64") } };
}
