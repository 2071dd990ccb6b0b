import { fromBinary } from "@bufbuild/protobuf";
import { namespaceOfSignals, SIGNALS, signals } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";

/** What the log holds for a device. */
export interface Sent {
  readonly identity: string;
  readonly signal: signals.Signal;
  /** What the message says. */
  readonly payload: { readonly revision: number; readonly configuration: unknown };
  /** When the server stored it. */
  readonly time: Date;
}

/** Everything in SIGNALS that is for the device, in the order of the log. */
export async function sentTo(log: EventLog, namespace: string, device: string): Promise<Sent[]> {
  const last = await log.lastSequence(SIGNALS);
  const sent: Sent[] = [];
  if (last === 0) return sent;
  for await (const commits of log.read(SIGNALS, { after: 0 })) {
    for (const { subject, data, time } of commits) {
      if (namespaceOfSignals(subject) !== namespace) continue;
      for (const signal of fromBinary(signals.SignalBatchSchema, data).signals) {
        if (signal.device !== device || signal.body.case !== "message") continue;
        const payload = JSON.parse(Buffer.from(signal.body.value.payload).toString());
        sent.push({ identity: signal.identity, signal, payload, time });
      }
    }
    if ((commits.at(-1)?.sequence ?? 0) >= last) return sent;
  }
  return sent;
}
