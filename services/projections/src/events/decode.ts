import { namespaceOfSignals, positionOf, type signals } from "@fieldlog/contracts";
import { type Commit, decodeBatch } from "@fieldlog/event-log";
import type { LogRecord } from "@fieldlog/read-model";

/** A commit of SIGNALS as records: one per signal, whatever it reports. */
export function signalsOf(commit: Commit): LogRecord<signals.Signal>[] {
  const namespace = namespaceOfSignals(commit.subject);
  const { sequence, time } = commit;
  return decodeBatch(commit.data).map((value, index) => ({
    namespace,
    key: value.device,
    position: positionOf(sequence, index),
    time,
    value,
  }));
}
