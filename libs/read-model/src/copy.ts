import { once } from "node:events";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import pg from "pg";
import copyStreams from "pg-copy-streams";
import type { ColumnValue } from "./definition.js";

/** Characters that are sent at once; large enough that the cost per piece does not show. */
const PIECE = 64 * 1024;

const TO_ESCAPE = /[\\\n\r\t]/;
const ESCAPES: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A value in the text format of COPY (PostgreSQL documentation, "COPY", "Text Format"). */
export function copyText(value: ColumnValue): string {
  switch (typeof value) {
    case "string":
      return TO_ESCAPE.test(value) ? value.replace(/[\\\n\r\t]/g, (char) => ESCAPES[char] as string) : value;
    case "number":
    case "bigint":
      return String(value);
    case "boolean":
      return value ? "t" : "f";
    case "undefined":
      return "\\N";
    default:
      if (value === null) return "\\N";
      if (value instanceof Date) return value.toISOString();
      return `\\\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")}`;
  }
}

/** @param schema where the table is; default: where the session's names lead */
export function copyStatement(table: string, columns: readonly string[], schema?: string): string {
  const prefix = schema === undefined ? "" : `${pg.escapeIdentifier(schema)}.`;
  return `COPY ${prefix}${pg.escapeIdentifier(table)} (${columns.map(pg.escapeIdentifier).join(", ")}) FROM STDIN`;
}

/**
 * Sends rows by COPY in the client's transaction; Postgres stores the first while the last are put together.
 * What Postgres refuses is raised as it says it; what `rows` raises ends the COPY and is raised again.
 */
export async function copyRows(
  client: pg.Client,
  statement: string,
  rows: Iterable<readonly ColumnValue[]>,
): Promise<void> {
  const stream: Writable = client.query(copyStreams.from(statement));
  // It may raise once more after Postgres has refused.
  stream.on("error", () => undefined);
  let refused = false;
  const done = finished(stream).catch((error: unknown) => {
    refused = true;
    throw error;
  });
  // Whoever waits below may be waiting for something else when it fails.
  done.catch(() => undefined);
  try {
    for (const piece of pieces(rows)) {
      if (refused) break;
      if (!stream.write(piece)) await Promise.race([once(stream, "drain"), done]);
    }
  } catch (error) {
    if (!refused) stream.destroy(error as Error);
    await done.catch(() => undefined);
    throw error;
  }
  if (!refused) stream.end();
  await done;
}

function* pieces(rows: Iterable<readonly ColumnValue[]>): Generator<string> {
  let piece = "";
  for (const row of rows) {
    piece += copyText(row[0]);
    for (let i = 1; i < row.length; i++) piece += `\t${copyText(row[i])}`;
    piece += "\n";
    if (piece.length < PIECE) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}
