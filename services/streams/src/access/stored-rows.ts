import { inTime } from "@fieldlog/aggregates";
import type { ReadDatabase } from "@fieldlog/read-model";
import { type RawBuilder, sql } from "kysely";
import { type BatchFileRow, type MessageRow, type StreamTables, tableIn } from "../sorting/tables.js";
import { type Container, DEPTH, namesIn, pathOf, within } from "./paths.js";

/** Something that is stored, as a file. */
export interface StoredFile {
  readonly path: string;
  readonly bytes: number;
  readonly at: Date;
}

interface Source {
  readonly from: (table: (name: keyof StreamTables) => RawBuilder<unknown>) => RawBuilder<unknown>;
  /** The columns that the names of a path are of, in order. */
  readonly names: readonly RawBuilder<unknown>[];
  readonly select: RawBuilder<unknown>;
}

type Database = Pick<ReadDatabase<StreamTables>, "db" | "schema">;

const SOURCES: Record<Container, Source> = {
  messages: {
    from: (table) => sql`${table("stream_messages")} t WHERE t.object <> ''`,
    names: [sql`t.grp`, sql`t.stream`, sql`t.device`, sql`t.batch_id`, sql`t.id`],
    select: sql`t.bytes, t.received_at AS at`,
  },
  batches: {
    from: (table) => sql`${table("stream_batches")} t JOIN ${table("stream_batch_files")} f
      ON f.namespace = t.namespace AND f.number = t.number WHERE true`,
    names: [sql`t.grp`, sql`t.stream`, sql`t.device`, sql`t.id`, sql`f.slice`],
    select: sql`f.bytes, t.completed_at AS at`,
  },
  "dead-letter": {
    from: (table) => sql`${table("stream_dead_letters")} t WHERE true`,
    // As text of one length, so that it has the order of positions.
    names: [sql`lpad(t.position::text, 16, '0')`],
    select: sql`t.bytes, t.received_at AS at`,
  },
};

/** What is stored, by paths. Every method raises SnapshotsUnavailable after at most 2 s. */
export class StoredRows {
  constructor(private readonly database: Database) {}

  /** In the order of their names. @param after a path, exclusive; empty: from the beginning */
  async list(
    namespace: string,
    container: Container,
    { prefix, after, limit }: { prefix: string; after: string; limit: number },
  ): Promise<StoredFile[]> {
    const { names, select } = SOURCES[container];
    const asked = within(container, prefix);
    const last = after === "" ? [] : wholeNames(container, after);
    if (asked === undefined || last === undefined) return [];
    const wanted = [
      ...asked.names.map((name, index) => sql`${names[index]} = ${name}`),
      ...(asked.begins === "" ? [] : [sql`starts_with(${names[asked.names.length]}, ${asked.begins})`]),
      ...(last.length === 0 ? [] : [sql`(${sql.join(names)}) > (${sql.join(last)})`]),
    ].map((one) => sql` AND ${one}`);
    const query = sql<{ names: string[]; bytes: number; at: Date }>`
      SELECT ARRAY[${sql.join(names)}] AS names, ${select} FROM ${this.from(container)} AND t.namespace = ${namespace}
      ${sql.join(wanted, sql``)} ORDER BY ${sql.join(names)} LIMIT ${limit}`;
    const { rows } = await inTime(query.execute(this.database.db));
    return rows.map((row) => ({
      ...{ path: pathOf(container, row.names), bytes: Number(row.bytes), at: row.at },
    }));
  }

  message(namespace: string, path: string): Promise<MessageRow | undefined> {
    return this.one<MessageRow>("messages", namespace, path, sql`t.*`);
  }

  batchFile(namespace: string, path: string): Promise<BatchFileRow | undefined> {
    return this.one<BatchFileRow>("batches", namespace, path, sql`f.*`);
  }

  deadLetter(
    namespace: string,
    path: string,
  ): Promise<{ position: number; device: string; external: string } | undefined> {
    return this.one("dead-letter", namespace, path, sql`t.position, t.device, t.external`);
  }

  private from(container: Container): RawBuilder<unknown> {
    return SOURCES[container].from((name) => tableIn(this.database, name));
  }

  private async one<R>(
    container: Container,
    namespace: string,
    path: string,
    columns: RawBuilder<unknown>,
  ): Promise<R | undefined> {
    const { names } = SOURCES[container];
    const given = wholeNames(container, path);
    if (given === undefined) return undefined;
    const same = names.map((name, index) => sql` AND ${name} = ${given[index]}`);
    const query = sql<R>`SELECT ${columns} FROM ${this.from(container)} AND t.namespace = ${namespace} ${sql.join(same, sql``)}`;
    return (await inTime(query.execute(this.database.db))).rows[0];
  }
}

/** All names of a path; the slice of a batch's may be left away. */
function wholeNames(container: Container, path: string): string[] | undefined {
  const names = namesIn(container, path);
  if (names === undefined || names.includes("")) return undefined;
  if (container === "batches" && names.length === DEPTH.batches - 1) return [...names, ""];
  return names.length === DEPTH[container] ? names : undefined;
}
