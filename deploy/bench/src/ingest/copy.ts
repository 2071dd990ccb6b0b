import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";

/** The read model's table of events. */
export const EVENTS_TABLE = { schema: "projections", table: "events" } as const;

/** Rows that are held in memory for the copy. */
const MOST_ROWS = 250_000;

/**
 * Copies the read model's rows, made ready in memory, with one COPY into an empty table with the same columns
 * and indexes, like the read model's session without waiting for the disk at the end. Rows per second.
 */
export async function plainCopy(databaseUrl: string, repeats: number): Promise<number[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("set synchronous_commit = off");
    const source = `"${EVENTS_TABLE.schema}"."${EVENTS_TABLE.table}"`;
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
