import type { Acquisition } from "@fieldlog/acquisition";
import { NoSuchObject } from "@fieldlog/objects";
import { Problem } from "../../problem.js";
import { type Contents, hasValues, type ReadableSample } from "../contents.js";

/** One number of a sample. */
export interface ValueRow {
  readonly sample: number;
  readonly category: string;
  readonly label: string;
  readonly device: string;
  readonly sensor: string;
  /** From the sample's first row on. */
  readonly timeMs: number;
  readonly axis: string;
  readonly units: string;
  readonly value: number;
}

/** Rows that are handed over at once. */
const BATCH = 8_192;

/**
 * All numbers in the samples' documents, in batches, sample by sample; missing ones are left out, and so are samples which are
 * no documents or cannot be read. One table for samples of any axes.
 */
export async function* valueRows(
  contents: Contents,
  samples: AsyncIterable<ReadableSample>,
): AsyncGenerator<readonly ValueRow[], void> {
  let batch: ValueRow[] = [];
  for await (const found of samples) {
    if (!hasValues(found)) continue;
    try {
      for await (const row of contents.withValues(found, (acquisition) => rowsIn(found, acquisition))) {
        batch.push(row);
        if (batch.length < BATCH) continue;
        yield batch;
        batch = [];
      }
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }
  if (batch.length > 0) yield batch;
}

function* rowsIn(
  { sample, about }: ReadableSample,
  { axes, intervalMs, rows }: Acquisition,
): Generator<ValueRow, void> {
  const { category, label, device, sensor } = about;
  const common = { sample: Number(sample.number), category, label, device, sensor };
  let at = 0;
  for (const row of rows()) {
    const timeMs = Math.round(at++ * intervalMs * 1e6) / 1e6;
    for (const [index, { name: axis, units }] of axes.entries()) {
      const value = row[index] ?? Number.NaN;
      if (Number.isFinite(value)) yield { ...common, timeMs, axis, units, value };
    }
  }
}

function isUnreadable(error: unknown): boolean {
  return error instanceof NoSuchObject || (error instanceof Problem && error.status === 406);
}
