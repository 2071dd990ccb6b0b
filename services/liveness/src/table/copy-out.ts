import type pg from "pg";
import copyStreams from "pg-copy-streams";

const ESCAPED: Record<string, string> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", v: "\v" };
const LINE_END = 0x0a;
const TAB = 0x09;

/**
 * Hands over the rows of a query by COPY, many at once; a field that is null is an empty text (as a text that is empty).
 * PostgreSQL documentation, "COPY", "Text Format".
 */
export async function copyOut(
  client: pg.ClientBase,
  query: string,
  take: (fields: readonly string[]) => void,
): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  const stream = client.query(copyStreams.to(`COPY (${query}) TO STDOUT`));
  for await (const piece of stream as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    let begin = 0;
    for (let end = bytes.indexOf(LINE_END); end >= 0; end = bytes.indexOf(LINE_END, begin)) {
      take(fieldsOf(bytes.subarray(begin, end)));
      begin = end + 1;
    }
    rest = bytes.subarray(begin);
  }
}

/**
 * Of a line without its end. Each is a text of its own: a part of a longer text would keep the whole of that in memory
 * for as long as it lives.
 */
export function fieldsOf(line: Buffer): string[] {
  const fields: string[] = [];
  let begin = 0;
  for (let end = line.indexOf(TAB); end >= 0; end = line.indexOf(TAB, begin)) {
    fields.push(fieldOf(line.toString("utf8", begin, end)));
    begin = end + 1;
  }
  fields.push(fieldOf(line.toString("utf8", begin)));
  return fields;
}

function fieldOf(text: string): string {
  if (!text.includes("\\")) return text;
  return text === "\\N" ? "" : text.replace(/\\(.)/gs, (_, char: string) => ESCAPED[char] ?? char);
}
