import { limits } from "@fieldlog/contracts";
import type { Definition } from "./definitions.js";
import { fill, hasSequence } from "./pattern.js";

/** What a device said, as far as sorting it is concerned. */
export interface Incoming {
  readonly position: number;
  /** ms since 1970 UTC. */
  readonly receivedAt: number;
  readonly batch: string;
  readonly slice: string;
  readonly message: string;
  readonly chunk: string;
  readonly completesBatch: boolean;
  readonly completesMessage: boolean;
  /** It says only that something is complete. */
  readonly noPayload: boolean;
}

/** Where a device is in a stream. */
export interface Cursor {
  /** Batches that were filled in, so far. It never starts again. */
  readonly batchSequence: number;
  /** The one that is open; a device has one at a time in a stream. */
  readonly open: OpenBatch | undefined;
}

export interface OpenBatch {
  /** Position of its first message. */
  readonly number: number;
  readonly id: string;
  /** Message ids that were filled in, so far: it starts again with each batch. */
  readonly messageSequence: number;
}

export type DeadReason = "no-batch" | "no-message" | "batch-complete" | "too-long";

/** What follows from it. */
export type Assigned =
  | { readonly kind: "dead"; readonly reason: DeadReason }
  | { readonly kind: "nothing" }
  /** A part of a message, or word that it is complete. */
  | {
      readonly kind: "message";
      readonly batch: OpenBatch;
      readonly message: string;
      readonly isNew: boolean;
    };

export interface Outcome {
  readonly cursor: Cursor;
  readonly assigned: Assigned;
  /** Numbers of batches that are complete with it, and why. */
  readonly completed: readonly { readonly number: number; readonly id: string }[];
}

export const NEW_CURSOR: Cursor = { batchSequence: 0, open: undefined };

/**
 * Fills in the ids that are missing, and opens and completes batches: another id completes the one that is open, and so
 * does word of it; of one that is not open, that word has no effect.
 *
 * @param isClosed whether the batch of that id was complete before
 */
export function assign(
  cursor: Cursor,
  incoming: Incoming,
  definition: Definition,
  isClosed: (batch: string) => boolean,
): Outcome {
  const { open } = cursor;
  if (incoming.noPayload) return word(cursor, incoming);
  const named = batchOf(cursor, incoming, definition);
  if (named === undefined) return dead(cursor, "no-batch");
  if (named.id.length > limits.streamNameLength) return dead(cursor, "too-long");
  if (open?.id !== named.id && isClosed(named.id)) return dead(cursor, "batch-complete");
  const isNew = open?.id !== named.id;
  const batch: OpenBatch = isNew ? { number: incoming.position, id: named.id, messageSequence: 0 } : open;
  const message = incoming.message || filled(batch, incoming, definition);
  if (message === "") return dead(cursor, "no-message");
  if (message.length > limits.streamNameLength) return dead(cursor, "too-long");
  const after = incoming.message === "" ? { ...batch, messageSequence: batch.messageSequence + 1 } : batch;
  const before = isNew && open ? [{ number: open.number, id: open.id }] : [];
  const ended = incoming.completesBatch ? [{ number: batch.number, id: batch.id }] : [];
  return {
    cursor: { batchSequence: named.sequence, open: incoming.completesBatch ? undefined : after },
    assigned: { kind: "message", batch: after, message, isNew },
    completed: [...before, ...ended],
  };
}

/** Word that a batch or a message is complete. */
function word(cursor: Cursor, { batch, message, completesBatch, completesMessage }: Incoming): Outcome {
  const { open } = cursor;
  const nothing: Outcome = { cursor, assigned: { kind: "nothing" }, completed: [] };
  if (open === undefined || (batch !== "" && batch !== open.id)) return nothing;
  if (completesBatch) {
    return {
      ...nothing,
      cursor: { ...cursor, open: undefined },
      completed: [{ number: open.number, id: open.id }],
    };
  }
  if (!completesMessage) return nothing;
  if (message === "") return dead(cursor, "no-message");
  return { cursor, assigned: { kind: "message", batch: open, message, isNew: false }, completed: [] };
}

function batchOf(
  { batchSequence, open }: Cursor,
  { batch, receivedAt }: Incoming,
  { batchPattern }: Definition,
): { id: string; sequence: number } | undefined {
  if (batch !== "") return { id: batch, sequence: batchSequence };
  if (batchPattern === "") return undefined;
  const id = (sequence: number) => fill(batchPattern, { at: receivedAt, sequence });
  // As long as the date in it stays what it was, it is the same batch.
  if (open !== undefined && id(batchSequence) === open.id) return { id: open.id, sequence: batchSequence };
  return { id: id(batchSequence + 1), sequence: batchSequence + 1 };
}

/** A date alone does not tell two messages apart: a number is put behind it then. */
function filled(
  { messageSequence }: OpenBatch,
  { receivedAt }: Incoming,
  { messagePattern }: Definition,
): string {
  if (messagePattern === "") return "";
  const sequence = messageSequence + 1;
  const text = fill(messagePattern, { at: receivedAt, sequence });
  return hasSequence(messagePattern) ? text : `${text}_${sequence}`;
}

function dead(cursor: Cursor, reason: DeadReason): Outcome {
  return { cursor, assigned: { kind: "dead", reason }, completed: [] };
}
