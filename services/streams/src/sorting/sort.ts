import { limits } from "@fieldlog/contracts";
import type { LogRecord } from "@fieldlog/read-model";
import {
  assign,
  type Cursor,
  type DeadReason,
  type Incoming,
  NEW_CURSOR,
  type OpenBatch,
  type Outcome,
} from "./assign.js";
import type { Came } from "./came.js";
import type { Definition, Definitions } from "./definitions.js";
import { type Key, Known, Since } from "./facts.js";
import type { BatchRow, DeadLetterRow, MessageRow, PartRow } from "./tables.js";

export type Arrived = LogRecord<Came>;

/** A message that is there. */
export interface HeldMessage {
  readonly position: number;
  readonly complete: boolean;
  readonly chunks: number;
}

/** What the tables hold, as far as it was asked. */
export class Facts {
  /** By namespace, device and identity: it came before. */
  readonly identities = new Known<true>();
  /** By namespace, group, stream and device. */
  readonly cursors = new Known<Cursor>();
  /** By these and the batch's id. */
  readonly batches = new Known<true>();
  /** By these and the message's id. */
  readonly messages = new Known<HeldMessage>();
  /** By namespace, the message's position and the chunk. */
  readonly chunks = new Known<true>();

  get areAllKnown(): boolean {
    return this.kinds.every(({ missing }) => missing.length === 0);
  }

  /** What was asked so far need not be looked up. */
  forgetMissing(): void {
    for (const kind of this.kinds) kind.forgetMissing();
  }

  private get kinds(): readonly Known<unknown>[] {
    return [this.identities, this.cursors, this.batches, this.messages, this.chunks];
  }
}

/** A device in a stream. */
export interface Place {
  readonly namespace: string;
  readonly device: string;
  readonly definition: Definition;
}

/** Rows to be written; what they change is there, and what is new is not. */
export interface Changes {
  readonly batches: BatchRow[];
  /** Of batches that were there or are new. */
  readonly completed: { readonly namespace: string; readonly number: number; readonly at: number }[];
  readonly messages: MessageRow[];
  /** As they are now, of those that were there. */
  readonly changed: Map<string, HeldMessage & { readonly namespace: string }>;
  readonly parts: PartRow[];
  readonly dead: DeadLetterRow[];
  readonly cursors: Map<string, { readonly place: Place; readonly cursor: Cursor }>;
}

/**
 * Sorts what came, in order, by what the tables held before. What follows is true once all that was asked of `facts` is
 * known: until then it is to be looked up, and all is sorted anew.
 *
 * @param definitions by namespace
 */
export function sort(
  records: readonly Arrived[],
  definitions: ReadonlyMap<string, Definitions>,
  facts: Facts,
): Changes {
  const pull = new Pull(facts);
  for (const record of records) {
    const { namespace, value } = record;
    const { group, stream } = value.message;
    const found = isTooLong(value.message)
      ? "too-long"
      : (definitions.get(namespace)?.find(value.receivedAt, group, stream) ?? "unknown-stream");
    pull.take(record, found);
  }
  return pull.changes;
}

class Pull {
  readonly changes: Changes = {
    ...{
      batches: [],
      completed: [],
      messages: [],
      changed: new Map(),
      parts: [],
      dead: [],
      cursors: new Map(),
    },
  };
  private readonly identities: Since<true>;
  private readonly cursors: Since<Cursor>;
  private readonly batches: Since<true>;
  private readonly messages: Since<HeldMessage>;
  private readonly chunks: Since<true>;
  /** Rows of {@link changes} by their positions. */
  private readonly rows = new Map<string, MessageRow>();

  constructor(facts: Facts) {
    this.identities = new Since(facts.identities);
    this.cursors = new Since(facts.cursors);
    this.batches = new Since(facts.batches);
    this.messages = new Since(facts.messages);
    this.chunks = new Since(facts.chunks);
  }

  take(record: Arrived, definition: Definition | DeadReason): void {
    const { namespace, value } = record;
    const { device, identity } = value;
    // The same said again, under another position.
    if (identity !== "" && this.identities.get([namespace, device, identity])) return;
    if (typeof definition === "string") {
      this.die(record, definition);
      return;
    }
    const place = { namespace, device, definition };
    const key = keyOf(place);
    const cursor = this.cursors.get(key) ?? NEW_CURSOR;
    const outcome = assign(cursor, incomingOf(record), definition, {
      hasBatch: (id) => this.batches.get([...key, id]) === true,
      hasMessage: (batch, id) => this.messages.get([...key, batch, id]) !== undefined,
    });
    const reason = this.follow(record, place, outcome);
    if (reason !== undefined) this.die(record, reason);
    if (outcome.cursor === cursor) return;
    this.cursors.set(key, outcome.cursor);
    this.changes.cursors.set(key.join("\u0000"), { place, cursor: outcome.cursor });
  }

  /** @returns why it goes nowhere, if it does */
  private follow(record: Arrived, place: Place, { assigned, completed }: Outcome): DeadReason | undefined {
    const { namespace, value } = record;
    if (assigned.kind === "dead") {
      const isNews = assigned.reason !== "batch-complete" || !this.isResend(record, place);
      return isNews ? assigned.reason : undefined;
    }
    if (assigned.kind === "message" && assigned.isNew) this.openBatch(record, place, assigned.batch);
    const reason =
      assigned.kind === "message"
        ? this.takeInto(record, place, assigned.batch, assigned.message)
        : undefined;
    for (const { number } of completed) {
      this.changes.completed.push({ namespace, number, at: value.receivedAt });
    }
    return reason;
  }

  /** A part of a message; one that is there already has no effect. */
  private takeInto(record: Arrived, place: Place, batch: OpenBatch, id: string): DeadReason | undefined {
    const { namespace, position, value } = record;
    const { noPayload, completesMessage, chunk } = value.message;
    const key = [...keyOf(place), batch.id, id];
    const found = this.messages.get(key);
    if (found?.complete) return undefined;
    if (noPayload) {
      if (found) this.change(namespace, key, { ...found, complete: true });
      return undefined;
    }
    const complete = chunk === "" || completesMessage;
    const message = found?.position ?? position;
    const partKey = [namespace, message, chunk];
    const isNew = found === undefined || this.rows.has(`${namespace}/${message}`);
    const cameBefore = (isNew ? this.chunks.addedAt(partKey) : this.chunks.get(partKey)) === true;
    if (!cameBefore && found && found.chunks >= limits.chunksPerMessage) return "message-full";
    const chunks = (found?.chunks ?? 0) + (cameBefore ? 0 : 1);
    if (found === undefined) this.begin(key, messageRow(record, place, batch, { id, complete }));
    else if (!cameBefore || complete) this.change(namespace, key, { position: message, complete, chunks });
    if (cameBefore) return undefined;
    this.chunks.set(partKey, true);
    const { device, identity } = value;
    if (identity !== "") this.identities.set([namespace, device, identity], true);
    this.changes.parts.push(partRow(record, message));
    return undefined;
  }

  private begin(key: Key, row: MessageRow): void {
    const { namespace, position, complete, chunks } = row;
    this.messages.set(key, { position, complete, chunks });
    this.changes.messages.push(row);
    this.rows.set(`${namespace}/${position}`, row);
  }

  private change(namespace: string, key: Key, now: HeldMessage): void {
    this.messages.set(key, now);
    const name = `${namespace}/${now.position}`;
    const row = this.rows.get(name);
    if (row) Object.assign(row, { complete: now.complete, chunks: now.chunks });
    else this.changes.changed.set(name, { namespace, ...now });
  }

  private openBatch({ namespace, value }: Arrived, place: Place, batch: OpenBatch): void {
    const { definition, device } = place;
    this.batches.set([...keyOf(place), batch.id], true);
    this.changes.batches.push({
      ...{ namespace, number: batch.number, grp: definition.group, stream: definition.stream, device },
      ...{ id: batch.id, concatenation: definition.concatenation, begun_at: new Date(value.receivedAt) },
      ...{ completed_at: null, told: false },
    });
  }

  /** Of a batch that is complete: what is in it is no news. */
  private isResend({ value: { message } }: Arrived, place: Place): boolean {
    const { batch, message: id } = message;
    if (batch === "" || id === "") return false;
    return this.messages.get([...keyOf(place), batch, id]) !== undefined;
  }

  private die({ namespace, position, value }: Arrived, reason: DeadReason): void {
    const { device, receivedAt, message } = value;
    const shown = (name: string) => name.slice(0, limits.streamNameLength).replaceAll("\u0000", "");
    this.changes.dead.push({
      ...{ namespace, position, device, grp: shown(message.group), stream: shown(message.stream), reason },
      ...{ external: shown(message.external), bytes: message.payload.length },
      received_at: new Date(receivedAt),
    });
  }
}

function keyOf({ namespace, device, definition }: Place): Key {
  return [namespace, definition.group, definition.stream, device];
}

function messageRow(
  { namespace, position, value }: Arrived,
  { definition, device }: Place,
  batch: OpenBatch,
  { id, complete }: { id: string; complete: boolean },
): MessageRow {
  const { slice, site } = value.message;
  return {
    ...{ namespace, position, batch: batch.number, grp: definition.group, stream: definition.stream },
    ...{ device, batch_id: batch.id, slice, id, site, complete, chunks: 1 },
    ...{ received_at: new Date(value.receivedAt), object: null, bytes: 0, sha256: null },
  };
}

function partRow({ namespace, position, value }: Arrived, message: number): PartRow {
  const { chunk, payload, contentEncoding: encoding, external } = value.message;
  const { device, identity } = value;
  return { namespace, position, device, message, identity, chunk, encoding, external, payload };
}

function incomingOf({ position, value: { receivedAt, message } }: Arrived): Incoming {
  const { batch, slice, chunk, completesBatch, completesMessage, noPayload } = message;
  return {
    ...{ position, receivedAt, batch, slice, chunk, completesBatch, completesMessage, noPayload },
    message: message.message,
  };
}

/** Names that no table keeps. */
function isTooLong(message: Came["message"]): boolean {
  const { group, stream, batch, slice, chunk, site, contentEncoding, external } = message;
  return [group, stream, batch, slice, message.message, chunk, site, contentEncoding, external].some(
    (name) => name.length > limits.streamNameLength || name.includes("\u0000"),
  );
}
