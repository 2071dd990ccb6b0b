import type { ValueRow } from "./rows.js";

const COLUMNS = ["sample", "category", "label", "device", "sensor", "time_ms", "axis", "units", "value"];

/** RFC 4180, in pieces. */
export async function* csvOf(batches: AsyncIterable<readonly ValueRow[]>): AsyncGenerator<Uint8Array, void> {
  yield Buffer.from(`${COLUMNS.join(",")}\r\n`);
  for await (const batch of batches) yield Buffer.from(batch.map(lineOf).join(""));
}

function lineOf(row: ValueRow): string {
  const { sample, category, timeMs, value } = row;
  const [label, device, sensor, axis, units] = [row.label, row.device, row.sensor, row.axis, row.units].map(
    cell,
  );
  return `${sample},${category},${label},${device},${sensor},${timeMs},${axis},${units},${value}\r\n`;
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
