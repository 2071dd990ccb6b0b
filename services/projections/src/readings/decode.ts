import { namespaceOfSignals, positionOf } from "@fieldlog/contracts";
import { type Commit, decodeBatch } from "@fieldlog/event-log";
import type { LogRecord } from "@fieldlog/read-model";
import { type Readings, readingsOf } from "./read.js";

/** A commit of SIGNALS as records: one per signal that holds measurements, log entries or a rejection. */
export function readingRecords(commit: Commit): LogRecord<Readings>[] {
  const namespace = namespaceOfSignals(commit.subject);
  const { sequence, time } = commit;
  const records: LogRecord<Readings>[] = [];
  for (const [index, signal] of decodeBatch(commit.data).entries()) {
    const value = readingsOf(signal);
    if (!value) continue;
    records.push({ namespace, key: signal.device, position: positionOf(sequence, index), time, value });
  }
  return records;
}
