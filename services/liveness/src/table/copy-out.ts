import type pg from "pg";
import copyStreams from "pg-copy-streams";

const ESCAPED: Record<string, string> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", v: "\v" };

/**
 * Hands over the rows of a query by COPY, many at once; a field that is null is an empty text (as a text that is empty).
 * PostgreSQL documentation, "COPY", "Text Format".
 *
 * @returns how many rows there were
 */
export async function copyOut(
  client: pg.ClientBase,
  query: string,
  take: (fields: readonly string[]) => void,
): Promise<number> {
  let rest = "";
  let rows = 0;
  const stream = client.query(copyStreams.to(`COPY (${query}) TO STDOUT`));
  stream.setEncoding("utf8");
  for await (const piece of stream as AsyncIterable<string>) {
    const text = rest + piece;
    let begin = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", begin)) {
      take(fieldsOf(text.slice(begin, end)));
      begin = end + 1;
      rows++;
    }
    rest = text.slice(begin);
  }
  return rows;
}

/** Of a line without its end. */
export function fieldsOf(line: string): string[] {
  const fields = line.split("\t");
  if (!line.includes("\\")) return fields;
  return fields.map((field) =>
    field === "\\N" ? "" : field.replace(/\\(.)/gs, (_, char: string) => ESCAPED[char] ?? char),
  );
}
