import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { NoResult } from "../frame/benchmark.js";

export interface Table {
  readonly schema: string;
  readonly table: string;
}

/** The read model's table of events. */
export const EVENTS_TABLE: Table = { schema: "projections", table: "events" };

/** Rows that are held in memory for the copy. */
const MOST_ROWS = 250_000;

/**
 * Copies the read model's rows, made ready in memory, with one COPY into an empty table with the same columns
 * and indexes, like the read model's session without waiting for the disk at the end. Rows per second. Raises NoResult when
 * the table does not hold as many rows as expected.
 */
export async function plainCopy(
  databaseUrl: string,
  repeats: number,
  { schema, table }: Table = EVENTS_TABLE,
  expected?: number,
): Promise<number[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("set synchronous_commit = off");
    const source = `"${schema}"."${table}"`;
    if (expected !== undefined) await checkCount(client, source, expected);
    const { chunks, rows } = await rowsOf(client, source);
    const rates: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      await client.query(`create table bench_copy (like ${source} including all)`);
      const start = performance.now();
      await pipeline(Readable.from(chunks), client.query(copyFrom("copy bench_copy from stdin")));
      rates.push(rows / ((performance.now() - start) / 1000));
      await client.query("drop table bench_copy");
    }
    return rates;
  } finally {
    await client.end();
  }
}

async function checkCount(client: pg.Client, source: string, expected: number): Promise<void> {
  const { rows } = await client.query<{ count: string }>(`select count(*) from ${source}`);
  const count = Number(rows[0]?.count);
  if (count !== expected) throw new NoResult(`${source} holds ${count} rows, expected were ${expected}`);
}

async function rowsOf(client: pg.Client, source: string): Promise<{ chunks: Buffer[]; rows: number }> {
  const chunks: Buffer[] = [];
  const reading = client.query(copyTo(`copy (select * from ${source} limit ${MOST_ROWS}) to stdout`));
  const collect = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  await pipeline(reading, collect);
  return { chunks, rows: reading.rowCount };
}
