import { INSTALLATION } from "@fieldlog/contracts";
import type { Decider, Outcome } from "@fieldlog/decider";

// Ids: a session is found by the hex SHA-256 of its token; the token itself is kept nowhere.

export function sessionOf(tokenHash: Uint8Array) {
  return { namespace: INSTALLATION, id: Buffer.from(tokenHash).toString("hex") };
}

// Events: SessionStarted, SessionEnded. Their names and fields are the storage format of the permanent log.

// State

export interface StartedSession {
  readonly phase: "started";
  readonly userId: string;
  readonly userName: string;
  /** ms since 1970 UTC. */
  readonly expiresAt: number;
}

export type Session = { readonly phase: "none" } | StartedSession | { readonly phase: "ended" };

export const session: Decider<Session> = {
  kind: "session",
  initial: { phase: "none" },
  evolve: (state, { event }) => {
    switch (event.case) {
      case "sessionStarted": {
        const { userId, userName, expiresAt } = event.value;
        return { phase: "started", userId, userName, expiresAt: Number(expiresAt) };
      }
      case "sessionEnded":
        return { phase: "ended" };
      default:
        return state;
    }
  },
};

/** Whether it proves who somebody is at that time (ms since 1970 UTC). */
export function isOpen(state: Session, now: number): state is StartedSession {
  return state.phase === "started" && state.expiresAt > now;
}

// Decisions

export type NewSession = Omit<StartedSession, "phase">;

/** Of one that exists: nothing. */
export function startSession({ userId, userName, expiresAt }: NewSession) {
  return (state: Session): Outcome<undefined> => {
    const value = { userId, userName, expiresAt: BigInt(expiresAt) };
    const events = state.phase === "none" ? [{ event: { case: "sessionStarted" as const, value } }] : [];
    return { events, result: undefined };
  };
}

/** Of one that has ended, or never was: nothing. */
export function endSession(state: Session): Outcome<undefined> {
  const events = state.phase === "started" ? [{ event: { case: "sessionEnded" as const, value: {} } }] : [];
  return { events, result: undefined };
}
