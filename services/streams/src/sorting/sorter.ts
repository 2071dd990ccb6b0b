import { limits } from "@fieldlog/contracts";
import type { LogRecord, ReadModelTransaction } from "@fieldlog/read-model";
import type { Kysely } from "kysely";
import { assign, type Cursor, type Incoming, NEW_CURSOR, type OpenBatch, type Outcome } from "./assign.js";
import type { Came } from "./came.js";
import { type Defined, type Definition, Definitions } from "./definitions.js";
import { SCHEMA, type StreamTables } from "./tables.js";

type Record = LogRecord<Came>;

/** A device in a stream. */
interface Place {
  readonly namespace: string;
  readonly device: string;
  readonly definition: Definition;
}

/** Sorts what came into the tables, within one transaction. */
export class Sorter {
  private readonly db: Kysely<StreamTables>;
  private readonly definitions = new Map<string, Definitions>();
  /** Those that were looked at, as they are now; written by {@link flush}. */
  private readonly cursors = new Map<string, { readonly place: Place; cursor: Cursor }>();

  constructor(tx: ReadModelTransaction) {
    this.db = tx.db as Kysely<StreamTables>;
  }

  async take(record: Record): Promise<void> {
    const { namespace, value } = record;
    const { device, message, receivedAt } = value;
    if (await this.cameBefore(record)) return;
    const known = await this.definitionsOf(namespace);
    const definition = tooLong(message) ? undefined : known.find(receivedAt, message.group, message.stream);
    if (definition === undefined) return this.dead(record, tooLong(message) ? "too-long" : "unknown-stream");
    const place = { namespace, device, definition };
    const cursor = await this.cursorOf(place);
    const incoming = incomingOf(record);
    const closed =
      incoming.batch !== "" && incoming.batch !== cursor.open?.id && (await this.hasBatch(place, incoming));
    const outcome = assign(cursor, incoming, definition, () => closed);
    await this.apply(record, place, outcome);
  }

  private async apply(record: Record, place: Place, { assigned, completed, cursor }: Outcome): Promise<void> {
    if (assigned.kind === "dead") {
      if (assigned.reason === "batch-complete" && (await this.isResend(record, place))) return;
      return this.dead(record, assigned.reason);
    }
    if (assigned.kind === "message") {
      if (assigned.isNew) await this.openBatch(record, place, assigned.batch);
      await this.takeInto(record, place, assigned.batch, assigned.message);
    }
    for (const { number } of completed) await this.completeBatch(record, number);
    this.keepCursor(place, cursor);
  }

  /** A part of a message; one that is there already has no effect. */
  private async takeInto(record: Record, place: Place, batch: OpenBatch, id: string): Promise<void> {
    const { namespace, position, value } = record;
    const { noPayload, completesMessage, chunk, site, slice, payload } = value.message;
    const found = await this.messageOf(place, batch.id, id);
    if (found?.complete) return;
    if (noPayload) {
      if (found) await this.completeMessage(namespace, found.position);
      return;
    }
    const { definition, device } = place;
    const whole = chunk === "" || completesMessage;
    if (found === undefined) {
      await this.db
        .insertInto("stream_messages")
        .values({
          ...{
            namespace,
            position,
            batch: batch.number,
            grp: definition.group,
            stream: definition.stream,
            device,
          },
          ...{
            batch_id: batch.id,
            slice,
            id,
            site,
            complete: whole,
            received_at: new Date(value.receivedAt),
          },
          ...{ object: null, bytes: 0, sha256: null },
        })
        .execute();
    }
    const message = Number(found?.position ?? position);
    await this.db
      .insertInto("stream_parts")
      .values({
        ...{ namespace, position, device, message, identity: value.identity, chunk, payload },
        ...{ encoding: value.message.contentEncoding, external: value.message.external },
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    if (found && whole) await this.completeMessage(namespace, message);
  }

  private async openBatch({ namespace, value }: Record, { definition, device }: Place, batch: OpenBatch) {
    await this.db
      .insertInto("stream_batches")
      .values({
        ...{ namespace, number: batch.number, grp: definition.group, stream: definition.stream, device },
        ...{ id: batch.id, concatenation: definition.concatenation, begun_at: new Date(value.receivedAt) },
        ...{ completed_at: null, told: false },
      })
      .execute();
  }

  /** What had not come whole by then will not. */
  private async completeBatch({ namespace, value }: Record, number: number): Promise<void> {
    await this.db
      .updateTable("stream_batches")
      .set({ completed_at: new Date(value.receivedAt) })
      .where("namespace", "=", namespace)
      .where("number", "=", number)
      .where("completed_at", "is", null)
      .execute();
    await this.db
      .updateTable("stream_messages")
      .set({ complete: true })
      .where("namespace", "=", namespace)
      .where("batch", "=", number)
      .where("complete", "=", false)
      .execute();
  }

  private async completeMessage(namespace: string, position: number): Promise<void> {
    await this.db
      .updateTable("stream_messages")
      .set({ complete: true })
      .where("namespace", "=", namespace)
      .where("position", "=", position)
      .execute();
  }

  /** The same said again, under another position. */
  private async cameBefore({ namespace, position, value: { device, identity } }: Record): Promise<boolean> {
    if (identity === "") return false;
    const found = await this.db
      .selectFrom("stream_parts")
      .select("position")
      .where("namespace", "=", namespace)
      .where("device", "=", device)
      .where("identity", "=", identity)
      .where("position", "<>", position)
      .limit(1)
      .executeTakeFirst();
    return found !== undefined;
  }

  private async hasBatch({ namespace, device, definition }: Place, { batch }: Incoming): Promise<boolean> {
    const found = await this.db
      .selectFrom("stream_batches")
      .select("number")
      .where("namespace", "=", namespace)
      .where("grp", "=", definition.group)
      .where("stream", "=", definition.stream)
      .where("device", "=", device)
      .where("id", "=", batch)
      .executeTakeFirst();
    return found !== undefined;
  }

  private async isResend({ value: { message } }: Record, place: Place): Promise<boolean> {
    if (message.message === "") return false;
    return (await this.messageOf(place, message.batch, message.message)) !== undefined;
  }

  private messageOf({ namespace, device, definition }: Place, batch: string, id: string) {
    return this.db
      .selectFrom("stream_messages")
      .select(["position", "complete"])
      .where("namespace", "=", namespace)
      .where("grp", "=", definition.group)
      .where("stream", "=", definition.stream)
      .where("device", "=", device)
      .where("batch_id", "=", batch)
      .where("id", "=", id)
      .executeTakeFirst();
  }

  private async cursorOf(place: Place): Promise<Cursor> {
    const known = this.cursors.get(keyOf(place));
    if (known) return known.cursor;
    const cursor = await this.loadCursor(place);
    this.cursors.set(keyOf(place), { place, cursor });
    return cursor;
  }

  private async loadCursor({ namespace, device, definition }: Place): Promise<Cursor> {
    const row = await this.db
      .selectFrom("stream_cursors")
      .selectAll()
      .where("namespace", "=", namespace)
      .where("grp", "=", definition.group)
      .where("stream", "=", definition.stream)
      .where("device", "=", device)
      .executeTakeFirst();
    if (row === undefined) return NEW_CURSOR;
    const batchSequence = Number(row.batch_sequence);
    const { open_number: number, open_id: id } = row;
    if (number === null || id === null) return { batchSequence, open: undefined };
    return {
      batchSequence,
      open: { number: Number(number), id, messageSequence: Number(row.message_sequence) },
    };
  }

  private keepCursor(place: Place, cursor: Cursor): void {
    this.cursors.set(keyOf(place), { place, cursor });
  }

  /** Writes where everybody is now. To be called once all was taken. */
  async flush(): Promise<void> {
    for (const { place, cursor } of this.cursors.values()) await this.writeCursor(place, cursor);
  }

  private async writeCursor({ namespace, device, definition }: Place, { batchSequence, open }: Cursor) {
    const now = {
      ...{ batch_sequence: batchSequence, open_number: open?.number ?? null, open_id: open?.id ?? null },
      message_sequence: open?.messageSequence ?? 0,
    };
    await this.db
      .insertInto("stream_cursors")
      .values({ namespace, grp: definition.group, stream: definition.stream, device, ...now })
      .onConflict((conflict) => conflict.columns(["namespace", "grp", "stream", "device"]).doUpdateSet(now))
      .execute();
  }

  private async dead({ namespace, position, value }: Record, reason: string): Promise<void> {
    const { device, receivedAt, message } = value;
    const shown = (name: string) => name.slice(0, limits.streamNameLength).replaceAll("\u0000", "");
    await this.db
      .insertInto("stream_dead_letters")
      .values({
        ...{ namespace, position, device, grp: shown(message.group), stream: shown(message.stream), reason },
        ...{ bytes: message.payload.length, received_at: new Date(receivedAt) },
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }

  private async definitionsOf(namespace: string): Promise<Definitions> {
    const known = this.definitions.get(namespace);
    if (known) return known;
    // Of another read model: while this one is built anew beside the live one, that one is where it always is.
    const rows = await this.db
      .withSchema(SCHEMA)
      .selectFrom("stream_definitions")
      .selectAll()
      .where("namespace", "=", namespace)
      .orderBy("sequence")
      .execute();
    const found = new Definitions(rows.map(definedOf));
    this.definitions.set(namespace, found);
    return found;
  }
}

function keyOf({ namespace, device, definition }: Place): string {
  return [namespace, definition.group, definition.stream, device].join("\u0000");
}

export function definedOf(row: StreamTables["stream_definitions"]): Defined {
  const { sequence, at, grp: group, stream, set } = row;
  return {
    sequence: Number(sequence),
    at: Number(at),
    group,
    stream,
    set: (set ?? undefined) as Defined["set"],
  };
}

function incomingOf({ position, value: { receivedAt, message } }: Record): Incoming {
  const { batch, slice, chunk, completesBatch, completesMessage, noPayload } = message;
  return {
    ...{ position, receivedAt, batch, slice, chunk, completesBatch, completesMessage, noPayload },
    message: message.message,
  };
}

/** Names that no table keeps. */
function tooLong({ group, stream, batch, slice, message, chunk, site }: Came["message"]): boolean {
  return [group, stream, batch, slice, message, chunk, site].some(
    (name) => name.length > limits.streamNameLength || name.includes("\u0000"),
  );
}
