import {
  CLEARED_KINDS,
  REGISTRY,
  registryOfNamespace,
  signalsStream,
  signalsSubject,
} from "@fieldlog/contracts";
import type { Clearings } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";

export interface ClearingParts {
  readonly clearings: Pick<Clearings, "record" | "mark" | "purge">;
  /** Raises NotFound unless there is a namespace with that id. */
  readonly checkNamespace: (id: string) => Promise<unknown>;
  readonly logger: Pick<Logger, "info">;
}

/** What stood before these sequences is gone: so many decisions, so many commits of signals. */
export interface ClearedNamespace {
  readonly registryBefore: number;
  readonly signalsBefore: number;
  readonly decisions: number;
  readonly signals: number;
}

/**
 * Clears a namespace: first its decisions, so that its devices are unknown to every edge, then its signals.
 * Each step is told in the log before it is done, so that a reader finds nothing missing of which it was not told;
 * broken off anywhere, the whole is simply done again.
 */
export async function clearNamespace(
  { clearings, checkNamespace, logger }: ClearingParts,
  namespace: string,
  decidedBy: string,
): Promise<ClearedNamespace> {
  await checkNamespace(namespace);
  const registryBefore = await clearings.record({ namespace }, decidedBy);
  logger.info({ namespace, registryBefore, decidedBy }, "clearing a namespace");
  let decisions = 0;
  for (const kind of CLEARED_KINDS) {
    decisions += await clearings.purge(REGISTRY, registryOfNamespace(namespace, kind), registryBefore);
  }
  const signalsBefore = await clearings.mark({ namespace });
  await clearings.record({ namespace, signalsBefore, registryBefore }, decidedBy);
  const signals = await clearings.purge(signalsStream(namespace), signalsSubject(namespace), signalsBefore);
  logger.info({ namespace, signalsBefore, decisions, signals }, "cleared a namespace");
  return { registryBefore, signalsBefore, decisions, signals };
}
