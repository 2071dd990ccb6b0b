import type { Aggregates } from "@fieldlog/aggregates";
import { ERASED_KINDS, limits, REGISTRY, registrySubject } from "@fieldlog/contracts";
import { TooManyConflicts } from "@fieldlog/decider";
import type { Clearings } from "@fieldlog/event-log";
import { device } from "../decisions/device.js";
import { eraseDevice } from "../decisions/device-decisions.js";
import type { Devices } from "./devices.js";

export interface ErasingParts {
  readonly aggregates: Aggregates;
  readonly devices: Pick<Devices, "remove">;
  readonly clearings: Pick<Clearings, "record" | "mark" | "purge" | "has">;
}

/** Where the logs tell that a device was erased. */
export interface Erased {
  /** In REGISTRY. */
  readonly sequence: number;
  /** In the signals of its namespace. */
  readonly signalsBefore: number;
}

/**
 * Removes a device, and takes what is known of it and what it reported out of the tables and, where single devices
 * can be told apart in it, out of the log; that it was erased stays. Each step is told in the log before it is done;
 * broken off anywhere, the whole is done again when it is asked for again.
 *
 * @throws UnknownDevice, TooManyConflicts, and what Aggregates and Clearings raise
 */
export async function erase(
  { aggregates, devices, clearings }: ErasingParts,
  namespace: string,
  id: string,
  decidedBy: string,
): Promise<Erased> {
  await devices.remove(namespace, id, decidedBy);
  const { snapshot } = await aggregates.transact(device, { namespace, id }, eraseDevice, decidedBy);
  const ofDevice = registrySubject({ namespace, kind: device.kind, id });
  const ofOthers = ERASED_KINDS.map((kind) => registrySubject({ namespace, kind, id }));
  const cleared = { namespace, device: id };
  for (let attempt = 1; attempt <= limits.decideAttempts; attempt++) {
    const sequence = await clearings.record(cleared, decidedBy);
    await clearings.purge(REGISTRY, ofDevice, snapshot.sequence);
    for (const subject of ofOthers) await clearings.purge(REGISTRY, subject, sequence);
    const signalsBefore = await clearings.mark(cleared);
    // From there on readers of signals need not look for it.
    await clearings.record({ ...cleared, signalsBefore, registryBefore: sequence }, decidedBy);
    // Who had begun before it was removed, such as the outbox, may have decided something meanwhile.
    const left = await Promise.all(ofOthers.map((subject) => clearings.has(REGISTRY, subject)));
    if (!left.includes(true)) return { sequence, signalsBefore };
  }
  throw new TooManyConflicts({ namespace, kind: device.kind, id }, limits.decideAttempts);
}
