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

/** Of a device that presented an API key: good as long as the key is. */
export interface DeviceSession {
  readonly phase: "of a device";
  readonly apiKey: string;
  /** SHA-256 of the key: 32 bytes. */
  readonly apiKeyHash: Uint8Array;
  /** Id. */
  readonly namespace: string;
  readonly device: string;
}

export type Session =
  | { readonly phase: "none" }
  | StartedSession
  | DeviceSession
  | { readonly phase: "ended" };

export const session: Decider<Session> = {
  kind: "session",
  initial: { phase: "none" },
  evolve: (state, { event }) => {
    switch (event.case) {
      case "sessionStarted": {
        const { userId, userName, expiresAt, apiKey, apiKeyHash, namespace, device } = event.value;
        if (device !== "") return { phase: "of a device", apiKey, apiKeyHash, namespace, device };
        return { phase: "started", userId, userName, expiresAt: Number(expiresAt) };
      }
      case "sessionEnded":
        return { phase: "ended" };
      default:
        return state;
    }
  },
};

/** Whether it proves what user somebody is at that time (ms since 1970 UTC). */
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

/** Of one that exists: nothing. */
export function startDeviceSession(value: Omit<DeviceSession, "phase">) {
  return ({ phase }: Session): Outcome<undefined> => {
    const events = phase === "none" ? [{ event: { case: "sessionStarted" as const, value } }] : [];
    return { events, result: undefined };
  };
}

/** Of one that has ended, or never was: nothing. */
export function endSession(state: Session): Outcome<undefined> {
  const open = state.phase === "started" || state.phase === "of a device";
  const events = open ? [{ event: { case: "sessionEnded" as const, value: {} } }] : [];
  return { events, result: undefined };
}
