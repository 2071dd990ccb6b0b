import { isId, namespaceOfSignals, positionOf } from "@fieldlog/contracts";
import { type Commit, decodeBatch } from "@fieldlog/event-log";
import type { LogRecord } from "@fieldlog/read-model";
import { quickBatch } from "./quick-batch.js";
import { type Reported, reported } from "./reported.js";

/** A commit of SIGNALS as records: one per signal of a device, whatever it reports. */
export function signalsOf(commit: Commit): LogRecord<Reported>[] {
  const namespace = namespaceOfSignals(commit.subject);
  const { sequence, time } = commit;
  const batch = quickBatch(commit.data) ?? decodeBatch(commit.data).map(reported);
  const records: LogRecord<Reported>[] = [];
  for (let index = 0; index < batch.length; index++) {
    const value = batch[index];
    // An edge of before wrote refusals for whatever a topic named.
    if (!value || !isId(value.device)) continue;
    records.push({ namespace, key: value.device, position: positionOf(sequence, index), time, value });
  }
  return records;
}
