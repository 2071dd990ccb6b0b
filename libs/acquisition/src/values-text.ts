import type { Acquisition } from "./document.js";

/** Characters of one piece. */
const PIECE = 16 * 1024;

/** RFC 4180: the time in ms from the first row on, then a column per axis; missing numbers are empty. In pieces. */
export function* acquisitionCsv(acquisition: Acquisition): Generator<string, void> {
  const { axes, intervalMs } = acquisition;
  let piece = `${["timestamp", ...axes.map(({ name }) => cell(name))].join(",")}\r\n`;
  let at = 0;
  for (const row of acquisition.rows()) {
    piece += `${timeOf(at++, intervalMs)},${Array.from(row, csvNumber).join(",")}\r\n`;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}

/** An object with `deviceName`, `deviceType`, `intervalMs`, `axes` and `values`, rows of numbers; missing ones are null. In pieces. */
export function* acquisitionJson(acquisition: Acquisition): Generator<string, void> {
  const { deviceName = null, deviceType, intervalMs, issuedAt = null, axes } = acquisition;
  const about = JSON.stringify({ deviceName, deviceType, issuedAt, intervalMs, axes });
  let piece = `${about.slice(0, -1)},"values":[`;
  let comma = "";
  for (const row of acquisition.rows()) {
    // What is no number, JSON writes as null.
    piece += comma + JSON.stringify(Array.from(row));
    comma = ",";
    if (piece.length < PIECE) continue;
    yield piece;
    piece = "";
  }
  yield `${piece}]}`;
}

/** Milliseconds, to the nanosecond. */
function timeOf(row: number, intervalMs: number): string {
  return String(Math.round(row * intervalMs * 1e6) / 1e6);
}

function csvNumber(value: number): string {
  return Number.isFinite(value) ? String(value) : "";
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
