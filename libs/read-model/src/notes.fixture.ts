import { create, toBinary } from "@bufbuild/protobuf";
import { namespaceOfSignals, positionOf, SIGNALS, signals } from "@fieldlog/contracts";
import { type Commit, decodeBatch, type EventLog } from "@fieldlog/event-log";
import { type Kysely, sql } from "kysely";
import type { LogRecord, ReadModelDefinition } from "./definition.js";

/** A read model for tests: one row per signal, and each device's count. */
export interface NotesOptions {
  version?: number;
  /** Names of events that make `apply` throw. */
  refuses?: ReadonlySet<string>;
  /** Milliseconds that each pull takes. */
  slow?: number;
}

export interface Notes {
  notes: { namespace: string; position: number; device: string; identity: string; text: string };
  counts: { namespace: string; device: string; count: number };
}

type Note = { identity: string; text: string };

export function notes(options: NotesOptions = {}): ReadModelDefinition<Note> {
  return {
    name: "notes",
    version: options.version ?? 1,
    stream: SIGNALS,
    tables: ["notes", "counts"],
    async create(db: Kysely<unknown>) {
      await db.schema
        .createTable("notes")
        .addColumn("namespace", "text", (column) => column.notNull())
        .addColumn("position", "bigint", (column) => column.notNull())
        .addColumn("device", "text", (column) => column.notNull())
        .addColumn("identity", "text", (column) => column.notNull())
        .addColumn("text", "text", (column) => column.notNull().check(sql`text <> 'refused by postgres'`))
        .addPrimaryKeyConstraint("notes_pkey", ["namespace", "position"])
        .addUniqueConstraint("notes_identity", ["namespace", "device", "identity"])
        .execute();
      await db.schema
        .createTable("counts")
        .addColumn("namespace", "text", (column) => column.notNull())
        .addColumn("device", "text", (column) => column.notNull())
        .addColumn("count", "bigint", (column) => column.notNull())
        .addPrimaryKeyConstraint("counts_pkey", ["namespace", "device"])
        .execute();
    },
    async index(db) {
      await sql`CREATE INDEX IF NOT EXISTS notes_text ON notes (text)`.execute(db);
    },
    decode: notesOf,
    async apply(tx, records) {
      for (const { value } of records) {
        if (options.refuses?.has(value.text)) throw new Error(`cannot take ${value.text}`);
      }
      const added = await tx.copyNew(
        "notes",
        ["namespace", "position", "device", "identity", "text"],
        records.map((one) => [one.namespace, one.position, one.key, one.value.identity, one.value.text]),
        "position",
      );
      const counts = new Map<string, { namespace: string; device: string; count: number }>();
      for (const { namespace, key, position } of records) {
        if (added !== "all" && !added.has(String(position))) continue;
        const at = `${namespace} ${key}`;
        counts.set(at, { namespace, device: key, count: (counts.get(at)?.count ?? 0) + 1 });
      }
      if (options.slow) await new Promise((resolve) => setTimeout(resolve, options.slow));
      if (counts.size === 0) return;
      await (tx.db as Kysely<Notes>)
        .insertInto("counts")
        .values([...counts.values()])
        .onConflict((conflict) =>
          conflict.columns(["namespace", "device"]).doUpdateSet({
            count: (eb) => eb("counts.count", "+", eb.ref("excluded.count")),
          }),
        )
        .execute();
    },
  };
}

function notesOf(commit: Commit): LogRecord<Note>[] {
  const namespace = namespaceOfSignals(commit.subject);
  return decodeBatch(commit.data).map((signal, index) => ({
    namespace,
    key: signal.device,
    position: positionOf(commit.sequence, index),
    time: commit.time,
    value: { identity: signal.identity, text: signal.body.case === "event" ? signal.body.value.name : "" },
  }));
}

export interface Written {
  namespace?: string;
  device?: string;
  identity: string;
  text?: string;
}

/** Appends a note; resolves with its position. */
export async function write(log: EventLog, note: Written): Promise<number> {
  const signal = create(signals.SignalSchema, {
    device: note.device ?? "d1",
    identity: note.identity,
    receivedAt: BigInt(Date.now()),
    occurredAt: BigInt(Date.now()),
    body: { case: "event", value: { name: note.text ?? "hello" } },
  });
  return await log.signals.append(note.namespace ?? "test", toBinary(signals.SignalSchema, signal));
}

/** Appends many notes of several devices. */
export async function writeMany(log: EventLog, prefix: string, count: number, devices = 7): Promise<void> {
  const appended = [];
  for (let i = 0; i < count; i++) {
    appended.push(
      write(log, { identity: `${prefix}${i}`, device: `d${i % devices}`, text: `text ${i}\t\\` }),
    );
    if (appended.length >= 2_000) await Promise.all(appended.splice(0));
  }
  await Promise.all(appended);
}

/** A digest over every row of the tables. */
export async function digest(db: Kysely<Notes>, schema: string): Promise<string> {
  const { rows } = await sql<{ digest: string }>`
    SELECT md5(coalesce((SELECT string_agg(n::text, '|' ORDER BY namespace, position)
      FROM ${sql.id(schema, "notes")} n), '') || coalesce((SELECT string_agg(c::text, '|' ORDER BY namespace, device)
      FROM ${sql.id(schema, "counts")} c), '')) AS digest`.execute(db);
  return rows[0]?.digest ?? "";
}

/** Different identities in the log. */
export async function countInLog(log: EventLog): Promise<number> {
  const end = await log.lastSequence(SIGNALS);
  const identities = new Set<string>();
  for await (const commits of log.read(SIGNALS, { after: 0 })) {
    for (const commit of commits) {
      for (const { namespace, key, value } of safely(commit))
        identities.add(`${namespace} ${key} ${value.identity}`);
    }
    if ((commits.at(-1)?.sequence ?? 0) >= end) break;
  }
  return identities.size;
}

function safely(commit: Commit): LogRecord<Note>[] {
  try {
    return notesOf(commit);
  } catch {
    return [];
  }
}
