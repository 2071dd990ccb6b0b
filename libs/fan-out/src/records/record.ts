import type { Position } from "@fieldlog/contracts";

/** By which way out a subscription is read. */
export type Via = "websocket" | "sse" | "poll" | "webhook";

/** How far a subscription's owner has received its events, and how it goes. Times are ms since 1970 UTC. */
export interface CursorRecord {
  /** Everything up to here was delivered, or is not for it. */
  readonly position: Position;
  /** Who reads it, or was the last to do so; another one each time that it is taken. */
  readonly holder: string;
  readonly via: Via;
  /** Somebody reads it, unless `aliveAt` is too old to believe that. */
  readonly connected: boolean;
  readonly aliveAt: number;
  /** Events delivered so far; those that were delivered again count again. */
  readonly delivered: number;
  readonly lastDeliveryAt?: number;
  /** Attempts in a row that failed. */
  readonly failures: number;
  readonly failingSince?: number;
  readonly nextAttemptAt?: number;
  /** Position of the last event in the request that failed: the next one is the same. */
  readonly attempted?: Position;
  readonly lastError?: string;
}

/** An attempt to deliver that failed. */
export interface Failure {
  readonly error: string;
  /** ms since 1970 UTC. */
  readonly nextAttemptAt: number;
  /** Position of the last event in the request. */
  readonly attempted?: Position;
}

/** Milliseconds after its last sign of life from which a holder counts as gone. */
const GONE_MS = 15_000;
const ERROR_LENGTH = 300;

/** A webhook's holder shows elsewhere that it is alive: its record is written only when there is something to say. */
export function isConnected({ connected, aliveAt, via }: CursorRecord, now: number): boolean {
  return connected && (via === "webhook" || now - aliveAt < GONE_MS);
}

/** The record in the hands of a new holder. */
export function taken(
  before: CursorRecord | undefined,
  { holder, via, startAfter }: { holder: string; via: Via; startAfter: Position },
  now: number,
): CursorRecord {
  const start = { position: startAfter, delivered: 0, failures: 0 };
  return { ...start, ...before, holder, via, connected: true, aliveAt: now };
}

/** A position never goes back. What was delivered ends a row of failures. */
export function acknowledged(
  before: CursorRecord,
  position: Position,
  delivered: number,
  now: number,
): CursorRecord {
  const { failingSince: _, nextAttemptAt: __, lastError: ___, attempted: ____, ...rest } = before;
  return {
    ...rest,
    position: Math.max(before.position, position),
    delivered: before.delivered + delivered,
    failures: 0,
    ...(delivered > 0 ? { lastDeliveryAt: now } : {}),
  };
}

export function failed(
  before: CursorRecord,
  { error, nextAttemptAt, attempted }: Failure,
  now: number,
): CursorRecord {
  return {
    ...before,
    ...(attempted === undefined ? {} : { attempted }),
    failures: before.failures + 1,
    failingSince: before.failingSince ?? now,
    nextAttemptAt,
    lastError: error.slice(0, ERROR_LENGTH),
  };
}

export function encodeRecord(record: CursorRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

/** Raises an Error for what is no record. */
export function decodeRecord(data: Uint8Array): CursorRecord {
  const record = JSON.parse(Buffer.from(data).toString()) as CursorRecord;
  if (!Number.isSafeInteger(record.position) || typeof record.holder !== "string") {
    throw new Error("this is not a cursor's record");
  }
  return record;
}
