import { namespaceOfSignals, positionOf } from "@fieldlog/contracts";
import { type Commit, decodeBatch } from "@fieldlog/event-log";
import type { LogRecord } from "@fieldlog/read-model";
import { type Published, publishedOf } from "./read.js";

/** A commit of SIGNALS as records: one per plain message. */
export function messageRecords(commit: Commit): LogRecord<Published>[] {
  const namespace = namespaceOfSignals(commit.subject);
  const { sequence, time } = commit;
  const records: LogRecord<Published>[] = [];
  for (const [index, signal] of decodeBatch(commit.data).entries()) {
    const value = publishedOf(signal);
    if (!value) continue;
    records.push({ namespace, key: signal.device, position: positionOf(sequence, index), time, value });
  }
  return records;
}
