import { namespaceOfSignals, positionOf } from "@fieldlog/contracts";
import { type Commit, decodeBatch } from "@fieldlog/event-log";
import type { LogRecord } from "@fieldlog/read-model";
import { type QuickSignal, quickMessages } from "./quick-messages.js";
import { type Published, publishedOf } from "./read.js";

/** A commit of SIGNALS as records: one per plain message. */
export function messageRecords(commit: Commit): LogRecord<Published>[] {
  const namespace = namespaceOfSignals(commit.subject);
  const { sequence, time } = commit;
  const records: LogRecord<Published>[] = [];
  const batch = quickMessages(commit.data) ?? slowMessages(commit.data);
  for (let index = 0; index < batch.length; index++) {
    const { device, published: value } = batch[index] as QuickSignal;
    if (!value) continue;
    records.push({ namespace, key: device, position: positionOf(sequence, index), time, value });
  }
  return records;
}

/** By the generated reader. */
export function slowMessages(data: Uint8Array): QuickSignal[] {
  return decodeBatch(data).map((signal) => ({ device: signal.device, published: publishedOf(signal) }));
}
