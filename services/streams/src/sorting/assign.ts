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
  /** So far. */
  readonly messages: number;
}

/** What of the device is in the stream, whether the batch is open or not. */
export interface Held {
  readonly hasBatch: (id: string) => boolean;
  readonly hasMessage: (batch: string, id: string) => boolean;
}

export type DeadReason =
  | "no-batch"
  | "no-message"
  | "batch-complete"
  | "batch-full"
  | "message-full"
  | "too-long"
  | "unknown-stream";

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
 */
export function assign(cursor: Cursor, incoming: Incoming, definition: Definition, held: Held): Outcome {
  const { open } = cursor;
  if (incoming.noPayload) return word(cursor, incoming);
  const named = batchOf(cursor, incoming, definition, held);
  if (named === undefined) return dead(cursor, "no-batch");
  if (named.id.length > limits.streamNameLength) return dead(cursor, "too-long");
  const isNew = open?.id !== named.id;
  if (isNew && held.hasBatch(named.id)) {
    return dead({ ...cursor, batchSequence: named.sequence }, "batch-complete");
  }
  const begun = { number: incoming.position, id: named.id, messageSequence: 0, messages: 0 };
  const found = messageOf(isNew ? begun : open, incoming, definition, held);
  if ("reason" in found) return dead({ ...cursor, open: isNew ? open : found.batch }, found.reason);
  const { batch, id } = found;
  const before = isNew && open ? [{ number: open.number, id: open.id }] : [];
  const ended = incoming.completesBatch ? [{ number: batch.number, id: batch.id }] : [];
  return {
    cursor: { batchSequence: named.sequence, open: incoming.completesBatch ? undefined : batch },
    assigned: { kind: "message", batch, message: id, isNew },
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
  held: Held,
): { id: string; sequence: number } | undefined {
  if (batch !== "") return { id: batch, sequence: batchSequence };
  if (batchPattern === "") return undefined;
  const ids = (sequence: number) => {
    const id = fill(batchPattern, { at: receivedAt, sequence });
    return [id, `${id}_${sequence}`] as const;
  };
  // As long as the date in it stays what it was, it is the same batch.
  if (open !== undefined && ids(batchSequence).includes(open.id)) {
    return { id: open.id, sequence: batchSequence };
  }
  const sequence = batchSequence + 1;
  const [plain, numbered] = ids(sequence);
  return { id: plain !== open?.id && held.hasBatch(plain) ? numbered : plain, sequence };
}

/** The message's id, and the batch with it in it. */
function messageOf(
  batch: OpenBatch,
  { message, receivedAt }: Incoming,
  { messagePattern }: Definition,
  held: Held,
): { batch: OpenBatch; id: string } | { batch: OpenBatch; reason: DeadReason } {
  const named = message !== "";
  if (!named && messagePattern === "") return { batch, reason: "no-message" };
  const sequence = named ? batch.messageSequence : batch.messageSequence + 1;
  const counted = { ...batch, messageSequence: sequence };
  const isThere = (id: string) => batch.messages > 0 && held.hasMessage(batch.id, id);
  const id = named ? message : filled(messagePattern, { at: receivedAt, sequence }, isThere);
  if (id === undefined) return { batch: counted, reason: "no-message" };
  if (id.length > limits.streamNameLength) return { batch, reason: "too-long" };
  if (named && isThere(id)) return { batch: counted, id };
  if (batch.messages >= limits.messagesPerBatch) return { batch, reason: "batch-full" };
  return { batch: { ...counted, messages: batch.messages + 1 }, id };
}

/** A date alone does not tell two messages apart: a number is put behind it, as behind an id that a device took itself. */
function filled(
  pattern: string,
  filling: { at: number; sequence: number },
  isThere: (id: string) => boolean,
): string | undefined {
  const text = fill(pattern, filling);
  const numbered = `${text}_${filling.sequence}`;
  return (hasSequence(pattern) ? [text, numbered] : [numbered]).find((id) => !isThere(id));
}

function dead(cursor: Cursor, reason: DeadReason): Outcome {
  return { cursor, assigned: { kind: "dead", reason }, completed: [] };
}
