import { randomBytes } from "node:crypto";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { OutboxFull } from "../errors.js";

/**
 * What a row is: a message of a stream (with its property bag), a publish to one of the device's topics (with `*` in place
 * of the device), or recorded data with what the platform is told of them.
 */
export type OutboxKind = "stream" | "publish" | "offer";

/** Something that is to be told to the platform. */
export interface Outgoing {
  readonly kind: OutboxKind;
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** The same, stored. */
export interface Waiting extends Outgoing {
  readonly id: number;
  /** Tells it from every other message that was ever stored by any client. */
  readonly identity: string;
}

/** What happens to new messages when there is no room: they are refused, or the oldest give way. */
export type FullPolicy = "refuse" | "drop-oldest";

export interface Room {
  readonly maxBytes: number;
  readonly policy: FullPolicy;
}

/** How much waits, and how much was ever dropped. */
export interface Totals {
  readonly messages: number;
  readonly bytes: number;
  readonly dropped: number;
}

/** What a transaction brought. */
export interface Outcome {
  readonly added: boolean;
  readonly dropped: number;
  /** All up to this id were dropped. */
  readonly droppedThrough: number;
}

interface OutboxRow {
  readonly id: number;
  readonly run: string;
  readonly kind: number;
  readonly topic: string;
  readonly payload: Uint8Array;
}

const NOTHING: Outcome = { added: false, dropped: 0, droppedThrough: 0 };
const KINDS: readonly OutboxKind[] = ["stream", "publish", "offer"];
/** Bytes of a row beside topic and payload. */
const ROW_BYTES = 40;
const SIZE = `length(CAST(topic AS BLOB)) + length(payload) + ${ROW_BYTES}`;
const SUM = `SELECT count(*) AS messages, coalesce(sum(${SIZE}), 0) AS bytes FROM outbox`;

/** Messages in the order in which they were stored, until the platform has them. Only to be called in a transaction. */
export class Outbox {
  private readonly run = randomBytes(9).toString("base64url");
  private readonly insert: StatementSync;
  private readonly after: StatementSync;
  private readonly sizes: StatementSync;
  private readonly sumUpTo: StatementSync;
  private readonly removeUpTo: StatementSync;
  private messages = 0;
  private bytes = 0;
  private dropped = 0;
  private lastId: number;
  /** As of the last transaction. */
  private committed: { readonly lastId: number; readonly dropped: number };
  private droppedThrough = 0;
  private changed = false;

  constructor(
    private readonly database: DatabaseSync,
    private readonly room: Room,
    /** As they were stored with the last transaction; undefined: never. */
    totals: Totals | undefined,
  ) {
    const columns = "id, run, kind, topic, payload";
    this.insert = database.prepare(`INSERT INTO outbox (${columns}) VALUES (?, ?, ?, ?, ?)`);
    this.after = database.prepare(`SELECT ${columns} FROM outbox WHERE id > ? ORDER BY id`);
    this.sizes = database.prepare(`SELECT id, ${SIZE} AS bytes FROM outbox ORDER BY id`);
    this.sumUpTo = database.prepare(`${SUM} WHERE id <= ?`);
    this.removeUpTo = database.prepare("DELETE FROM outbox WHERE id <= ?");
    this.lastId = Number(database.prepare("SELECT max(id) AS id FROM outbox").get()?.["id"] ?? 0);
    this.count(totals ?? this.counted());
    this.committed = { lastId: this.lastId, dropped: this.dropped };
  }

  get totals(): Totals {
    const { messages, bytes, dropped } = this;
    return { messages, bytes, dropped };
  }

  /** Id of the newest; undefined: none waits. */
  get last(): number | undefined {
    return this.messages === 0 ? undefined : this.lastId;
  }

  /** Whether the totals are others than those of the last transaction. */
  get hasChanged(): boolean {
    return this.changed;
  }

  /** Stores it. Returns its id, which is above all before. Raises OutboxFull, having changed nothing. */
  add({ kind, topic, payload }: Outgoing): number {
    const bytes = sizeOf(topic, payload);
    if (this.bytes + bytes > this.room.maxBytes) {
      if (this.room.policy === "refuse" || bytes > this.room.maxBytes) {
        throw new OutboxFull(this.room.maxBytes, bytes);
      }
      this.makeRoom(bytes);
    }
    const id = this.lastId + 1;
    this.insert.run(id, this.run, KINDS.indexOf(kind), topic, payload as SQLInputValue);
    this.lastId = id;
    this.messages++;
    this.bytes += bytes;
    this.changed = true;
    return id;
  }

  /** The next after this id: so many, and about so many bytes, but one at least. */
  read(afterId: number, most: number, mostBytes: number): Waiting[] {
    const read: Waiting[] = [];
    let bytes = 0;
    for (const row of this.after.iterate(afterId) as Iterable<unknown> as Iterable<OutboxRow>) {
      const { id, run, kind, topic, payload } = row;
      bytes += payload.length;
      if (read.length > 0 && bytes > mostBytes) break;
      read.push({ id, identity: `${run}-${id}`, kind: KINDS[kind] ?? "publish", topic, payload });
      if (read.length >= most || bytes >= mostBytes) break;
    }
    return read;
  }

  /** Takes out what the platform has: all up to this id. */
  remove(throughId: number): void {
    const { messages, bytes } = totalsIn(this.sumUpTo.get(throughId));
    if (messages === 0) return;
    this.removeUpTo.run(throughId);
    this.messages -= messages;
    this.bytes -= bytes;
    this.changed = true;
  }

  /** The transaction is on the disk. */
  commit(): Outcome {
    const { lastId, dropped, droppedThrough, committed } = this;
    this.changed = false;
    if (lastId === committed.lastId) return NOTHING;
    this.committed = { lastId, dropped };
    return { added: true, dropped: dropped - committed.dropped, droppedThrough };
  }

  /** It was undone, and these are the totals. */
  rollback(totals: Totals | undefined): void {
    this.changed = false;
    // Never sent, so these ids are free.
    this.lastId = this.committed.lastId;
    this.count(totals ?? this.counted());
  }

  private makeRoom(wanted: number): void {
    const above = this.bytes + wanted - this.room.maxBytes;
    let [freed, dropped, droppedThrough] = [0, 0, 0];
    for (const row of this.sizes.iterate() as Iterable<unknown> as Iterable<{ id: number; bytes: number }>) {
      freed += row.bytes;
      dropped++;
      droppedThrough = row.id;
      if (freed >= above) break;
    }
    this.removeUpTo.run(droppedThrough);
    this.messages -= dropped;
    this.bytes -= freed;
    this.dropped += dropped;
    this.droppedThrough = droppedThrough;
  }

  private count({ messages, bytes, dropped }: Totals): void {
    this.messages = messages;
    this.bytes = bytes;
    this.dropped = dropped;
  }

  /** Reads all of it. */
  private counted(): Totals {
    return totalsIn(this.database.prepare(SUM).get());
  }
}

function totalsIn(row: Record<string, unknown> | undefined): Totals {
  return { messages: Number(row?.["messages"] ?? 0), bytes: Number(row?.["bytes"] ?? 0), dropped: 0 };
}

/** Bytes that a message counts for. */
export function sizeOf(topic: string, payload: Uint8Array): number {
  return Buffer.byteLength(topic) + payload.length + ROW_BYTES;
}
