import type { Aggregates } from "@fieldlog/aggregates";
import { ERASED_KINDS, REGISTRY, registrySubject } from "@fieldlog/contracts";
import type { Clearings } from "@fieldlog/event-log";
import { device } from "../decisions/device.js";
import { eraseDevice } from "../decisions/device-decisions.js";
import type { Devices } from "./devices.js";

export interface ErasingParts {
  readonly aggregates: Aggregates;
  readonly devices: Pick<Devices, "remove">;
  readonly clearings: Pick<Clearings, "record" | "mark" | "purge">;
}

/**
 * Removes a device, and takes what is known of it and what it reported out of the tables and, where single devices
 * can be told apart in it, out of the log; that it was erased stays. Each step is told in the log before it is done;
 * broken off anywhere, the whole is done again when it is asked for again.
 *
 * @returns the REGISTRY sequence
 * @throws UnknownDevice, and what Aggregates and Clearings raise
 */
export async function erase(
  { aggregates, devices, clearings }: ErasingParts,
  namespace: string,
  id: string,
  decidedBy: string,
): Promise<number> {
  await devices.remove(namespace, id, decidedBy);
  const { snapshot } = await aggregates.transact(device, { namespace, id }, eraseDevice, decidedBy);
  const cleared = { namespace, device: id };
  const told = await clearings.record(cleared, decidedBy);
  await clearings.purge(REGISTRY, registrySubject({ namespace, kind: device.kind, id }), snapshot.sequence);
  for (const kind of ERASED_KINDS) {
    await clearings.purge(REGISTRY, registrySubject({ namespace, kind, id }), told);
  }
  const signalsBefore = await clearings.mark(cleared);
  // From there on readers of signals need not look for it.
  await clearings.record({ ...cleared, signalsBefore, registryBefore: told }, decidedBy);
  return told;
}
