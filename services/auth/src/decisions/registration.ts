import type { Decider, Outcome } from "@fieldlog/decider";
import { RegistrationGone } from "./refusals.js";

// Ids: a registration is found by its device's id, under its namespace; the device shows a token, of which the hash is kept.

// Events: RegistrationTokenIssued, RegistrationTokensRevoked. Their names and fields are the storage format of the
// permanent log.

// State

interface Token {
  /** SHA-256, in hex. */
  readonly hash: string;
  /** ms since 1970 UTC; absent: never. */
  readonly expiresAt?: number;
}

export interface LiveRegistration {
  readonly phase: "live";
  /** The newest token. */
  readonly token: Token;
  /** That which it was refreshed from, good as well until then (ms since 1970 UTC). */
  readonly parent?: Token & { readonly until: number };
  /** Milliseconds that each token of it is good for; absent: they do not expire. */
  readonly lifetimeMs?: number;
  /** Id of the provisioning token that led to it. */
  readonly provisioningToken: string;
  /** REGISTRY sequence of the decision that began it. What devices connect with names it: it ends with the registration. */
  readonly series: number;
}

export type Registration = { readonly phase: "none" } | { readonly phase: "revoked" } | LiveRegistration;

export const registration: Decider<Registration> = {
  kind: "registration",
  initial: { phase: "none" },
  evolve: (state, { event }, { sequence, decidedAt }) => {
    switch (event.case) {
      case "registrationTokenIssued": {
        const { tokenHash, expiresAt, parentHash, parentUntil, provisioningToken } = event.value;
        const token = tokenOf(hexOf(tokenHash), expiresAt === undefined ? undefined : Number(expiresAt));
        if (parentHash.length === 0 || state.phase !== "live") {
          const lifetime = expiresAt === undefined ? {} : { lifetimeMs: Number(expiresAt) - decidedAt };
          return { phase: "live", token, ...lifetime, provisioningToken, series: sequence };
        }
        const { parent: _, ...rest } = state;
        const from = known(state).find(({ hash }) => hash === hexOf(parentHash));
        if (from === undefined) return { ...rest, token };
        const parent = { ...tokenOf(from.hash, from.expiresAt), until: Number(parentUntil) };
        return { ...rest, token, parent };
      }
      case "registrationTokensRevoked":
        return { phase: "revoked" };
      default:
        return state;
    }
  },
};

function hexOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString("hex");
}

function tokenOf(hash: string, expiresAt: number | undefined): Token {
  return { hash, ...(expiresAt === undefined ? {} : { expiresAt }) };
}

function known({ token, parent }: LiveRegistration): Token[] {
  return parent ? [token, parent] : [token];
}

/** Hashes (hex) of the tokens that may be good. */
export function hashesOf(state: Registration): string[] {
  return state.phase === "live" ? known(state).map(({ hash }) => hash) : [];
}

/** The end of the token with that hash (hex), ms since 1970 UTC, Infinity: none; undefined: it is not good at that time. */
export function goodUntil(state: Registration, hash: string, now: number): number | undefined {
  if (state.phase !== "live") return undefined;
  const { token, parent } = state;
  const isParent = parent?.hash === hash;
  if (token.hash !== hash && !isParent) return undefined;
  const own = (isParent ? parent : token).expiresAt ?? Number.POSITIVE_INFINITY;
  const until = isParent ? Math.min(own, parent.until) : own;
  return until > now ? until : undefined;
}

// Decisions

export interface Issued {
  readonly tokenHash: Uint8Array;
  readonly provisioningToken: string;
  /** Id of the operation that led to it. */
  readonly operation: string;
  /** ms since 1970 UTC; absent: never. */
  readonly expiresAt?: number;
}

/** The first token of a registration; all before are good no more. */
export function issue({ expiresAt, ...asked }: Issued) {
  return (_state: Registration): Outcome<undefined> => {
    const value = { ...asked, ...(expiresAt === undefined ? {} : { expiresAt: BigInt(expiresAt) }) };
    return { events: [{ event: { case: "registrationTokenIssued", value } }], result: undefined };
  };
}

export interface Refreshed {
  readonly again: boolean;
  /** ms since 1970 UTC; absent: never. */
  readonly expiresAt?: number;
}

/**
 * A new token in exchange for one (section B2 of the dialect). Of the newest: that becomes the parent, good for
 * `graceMs` more, and its own parent ends at once. Of a parent in its grace: the token that it was exchanged for
 * before ends. Refuses RegistrationGone.
 */
export function refresh(asked: { from: string; tokenHash: Uint8Array; graceMs: number; now: number }) {
  return (state: Registration): Outcome<Refreshed> => {
    const { from, tokenHash, graceMs, now } = asked;
    if (state.phase !== "live" || goodUntil(state, from, now) === undefined) throw new RegistrationGone();
    const { parent, lifetimeMs, provisioningToken } = state;
    const again = parent?.hash === from;
    const parentUntil = again ? parent.until : now + graceMs;
    const end = lifetimeMs === undefined ? {} : { expiresAt: now + lifetimeMs };
    const value = {
      ...{ tokenHash, provisioningToken, parentHash: Buffer.from(from, "hex") },
      parentUntil: BigInt(parentUntil),
      ...(lifetimeMs === undefined ? {} : { expiresAt: BigInt(now + lifetimeMs) }),
    };
    const events = [{ event: { case: "registrationTokenIssued" as const, value } }];
    return { events, result: { again, ...end } };
  };
}

/** As {@link revokeRegistration}; of one that began anew since: nothing. */
export function revokeSeries(series: number) {
  return (state: Registration): Outcome<undefined> =>
    state.phase === "live" && state.series === series
      ? revokeRegistration(state)
      : { events: [], result: undefined };
}

/** Of one that is not there, or was revoked: nothing. */
export function revokeRegistration(state: Registration): Outcome<undefined> {
  const revoked = { event: { case: "registrationTokensRevoked" as const, value: {} } };
  return { events: state.phase === "live" ? [revoked] : [], result: undefined };
}
