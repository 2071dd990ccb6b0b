import { isId, namespaceOfSignals, positionOf } from "@fieldlog/contracts";
import { type Commit, decodeBatch } from "@fieldlog/event-log";
import type { LogRecord } from "@fieldlog/read-model";
import { type QuickSignal, quickReadings } from "./quick-readings.js";
import { type Readings, readingsOf } from "./read.js";

/** A commit of SIGNALS as records: one per signal that holds measurements, log entries or a rejection. */
export function readingRecords(commit: Commit): LogRecord<Readings>[] {
  const namespace = namespaceOfSignals(commit.subject);
  const { sequence, time } = commit;
  const records: LogRecord<Readings>[] = [];
  const batch = quickReadings(commit.data) ?? slowReadings(commit.data);
  for (let index = 0; index < batch.length; index++) {
    const { device, readings: value } = batch[index] as QuickSignal;
    // An edge of before wrote refusals for whatever a topic named.
    if (!value || !isId(device)) continue;
    records.push({ namespace, key: device, position: positionOf(sequence, index), time, value });
  }
  return records;
}

/** By the generated reader. */
export function slowReadings(data: Uint8Array): QuickSignal[] {
  return decodeBatch(data).map((signal) => ({ device: signal.device, readings: readingsOf(signal) }));
}
