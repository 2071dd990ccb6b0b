import { ByteWriter, ParquetWriter, type SchemaElement } from "hyparquet-writer";
import type { ValueRow } from "./rows.js";

/** Rows of one row group: what is held at once. */
const GROUP = 65_536;

const text = (name: string): SchemaElement => ({
  ...{ name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
});
const number = (name: string): SchemaElement => ({ name, type: "DOUBLE", repetition_type: "REQUIRED" });

const TEXTS = ["category", "label", "device", "sensor", "axis", "units"] as const;
const SCHEMA: SchemaElement[] = [
  { name: "root", num_children: 3 + TEXTS.length },
  { name: "sample", type: "INT64", repetition_type: "REQUIRED" },
  ...TEXTS.map(text),
  number("time_ms"),
  number("value"),
];

/** Apache Parquet, compressed with Snappy; a row group at a time. */
export async function* parquetOf(
  batches: AsyncIterable<readonly ValueRow[]>,
): AsyncGenerator<Uint8Array, void> {
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({ writer, schema: SCHEMA, statistics: false, createdBy: "Fieldlog" });
  let group: ValueRow[] = [];
  for await (const batch of batches) {
    group.push(...batch);
    if (group.length < GROUP) continue;
    await parquet.write(groupOf(group));
    group = [];
    yield taken(writer);
  }
  if (group.length > 0) await parquet.write(groupOf(group));
  await parquet.finish();
  yield taken(writer);
}

function groupOf(rows: readonly ValueRow[]) {
  const column = (name: string, data: ArrayLike<unknown>) => {
    return { name, data: data as unknown[], offsetIndex: false };
  };
  return {
    rowGroupSize: rows.length,
    columnData: [
      column(
        "sample",
        BigInt64Array.from(rows, ({ sample }) => BigInt(sample)),
      ),
      ...TEXTS.map((name) =>
        column(
          name,
          rows.map((row) => row[name]),
        ),
      ),
      column(
        "time_ms",
        Float64Array.from(rows, ({ timeMs }) => timeMs),
      ),
      column(
        "value",
        Float64Array.from(rows, ({ value }) => value),
      ),
    ],
  };
}

/** What was written since; places in the file go on to be counted from its beginning. */
function taken(writer: ByteWriter): Uint8Array {
  const bytes = writer.getBytes().slice();
  writer.index = 0;
  return bytes;
}
