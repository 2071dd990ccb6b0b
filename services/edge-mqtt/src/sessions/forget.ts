import { fromBinary } from "@bufbuild/protobuf";
import { type AggregateId, registry } from "@fieldlog/contracts";
import type { Logger } from "@fieldlog/runtime";
import { RecordConflict, type SessionKey, type SessionStore } from "./store.js";

export interface ForgetParts {
  readonly store: Pick<SessionStore, "all" | "remove">;
  /** Whether the client is connected, or is being connected, to this edge. */
  readonly holds: (key: SessionKey) => boolean;
  readonly logger: Pick<Logger, "warn">;
}

/** Whether the decision says that its device is no more. */
export function isRemoval({ kind }: AggregateId, data: Uint8Array): boolean {
  if (kind === "clearing") return true;
  if (kind !== "device") return false;
  const { events } = fromBinary(registry.DecisionSchema, data);
  return events.some(({ event }) => event.case === "deviceRemoved" || event.case === "deviceErased");
}

/**
 * Removes the sessions of a namespace's devices that are not connected, with their wills: those devices are no more.
 * API keys stay, and so do their sessions, which go on behind what was cleared. Several edges may do so at once.
 *
 * @param device of this one alone; empty: of all
 * @throws LogUnavailable
 */
export async function forgetSessions(parts: ForgetParts, namespace: string, device: string): Promise<void> {
  const { store, holds, logger } = parts;
  for await (const session of store.all((err) => logger.warn({ err }, "a session that cannot be read"))) {
    const { principal, owner } = session.record;
    const isOf = device === "" ? principal.startsWith("device:") : principal === `device:${device}`;
    if (session.namespace !== namespace || !isOf || owner !== "" || holds(session)) continue;
    try {
      await store.remove(session.revision);
    } catch (error) {
      // Another edge was faster, or somebody has it again.
      if (!(error instanceof RecordConflict)) throw error;
    }
  }
}
