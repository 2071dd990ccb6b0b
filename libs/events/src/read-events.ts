import { positionOf } from "@fieldlog/contracts";
import { type EventNamespace, LoggedEvent } from "./logged-event.js";
import { WireSkimmer } from "./wire-skimmer.js";

// Field numbers of `SignalBatch` and `Signal`.
const SIGNALS = 1;
const EVENT = 16;

/**
 * The events of an encoded `SignalBatch`; other signals are jumped over. Raises RangeError for bytes that are no
 * batch. The events keep `data`.
 */
export function readEvents(sequence: number, data: Uint8Array, namespace: EventNamespace): LoggedEvent[] {
  const skimmer = new WireSkimmer(data);
  const found: LoggedEvent[] = [];
  for (let index = 0; skimmer.at < data.length; ) {
    const { field, end } = skimmer.message();
    if (field === SIGNALS) {
      const start = skimmer.at;
      if (skimmer.has(EVENT, end)) {
        const encoded = data.subarray(start, end);
        found.push(new LoggedEvent(positionOf(sequence, index), namespace, encoded));
      }
      index++;
    }
    skimmer.at = end;
  }
  return found;
}
