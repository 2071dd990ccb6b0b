import { INSTALLATION, limits } from "@fieldlog/contracts";
import {
  type Decider,
  type DecisionPoint,
  InvalidField,
  type Outcome,
  type RegistryEvent,
} from "@fieldlog/decider";
import type { Sealed } from "@fieldlog/sealing";
import { AdminKeyWithdrawn, NotFound } from "./refusals.js";

// Ids: an API key belongs to a namespace or, with an empty one, to the operator.

export function apiKeyId(namespace: string, id: string) {
  return { namespace: namespace === "" ? INSTALLATION : namespace, id };
}

/** The one key that FIELDLOG_ADMIN_KEY sets. One history for all the values that the setting ever had. */
export const ADMIN_KEY = Object.freeze({ ...apiKeyId("", "admin"), name: "FIELDLOG_ADMIN_KEY" });

// Events: ApiKeyCreated, ApiKeyRevoked. Their names and fields are the storage format of the permanent log.

// State

export interface ApiKey {
  readonly phase: "live" | "revoked";
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly permission: string;
  /** Id; empty: all. */
  readonly namespace: string;
  /** SHA-256, in hex. */
  readonly hash: string;
  /** REGISTRY sequence of its creation: no other key has the same one, and a later key has a higher one. */
  readonly number: number;
  /** Its first characters, by which a list tells it; of kind cred only. */
  readonly prefix?: string;
  /** Of kind hmac: the key itself, sealed by the namespace's data key. */
  readonly sealedKey?: Sealed;
  /** ms since 1970 UTC, as are the others. */
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
  /** The decision that revoked it. */
  readonly revokedIn?: number;
  /** Hashes that somebody revoked, before it was created anew; never good again. */
  readonly withdrawn: readonly string[];
}

export type ApiKeyState = { readonly phase: "none" } | ApiKey;

export const apiKey: Decider<ApiKeyState> = {
  kind: "api-key",
  initial: { phase: "none" },
  evolve: (state, { event }, at) => {
    switch (event.case) {
      case "apiKeyCreated": {
        const { id, name, kind, permission, namespace, keyHash, expiresAt, prefix, sealedKey } = event.value;
        return {
          phase: "live",
          ...{ id, name, kind, permission, namespace },
          hash: Buffer.from(keyHash).toString("hex"),
          number: state.phase === "none" ? at.sequence : state.number,
          ...(prefix === "" ? {} : { prefix }),
          ...(sealedKey === undefined ? {} : { sealedKey }),
          createdAt: at.decidedAt,
          ...(expiresAt === undefined ? {} : { expiresAt: Number(expiresAt) }),
          withdrawn: withdrawnBefore(state, at.sequence),
        };
      }
      case "apiKeyRevoked":
        return state.phase === "live" ? revokedBy(state, at) : state;
      default:
        return state;
    }
  },
};

function revokedBy(state: ApiKey, { sequence, decidedAt }: DecisionPoint): ApiKey {
  return { ...state, phase: "revoked", revokedAt: decidedAt, revokedIn: sequence };
}

/** One that was revoked in the decision that creates the next was replaced, not withdrawn. */
function withdrawnBefore(state: ApiKeyState, sequence: number): readonly string[] {
  if (state.phase === "none") return [];
  return state.revokedIn === sequence ? state.withdrawn : [...state.withdrawn, state.hash];
}

/** Whether that hash opens anything at that time (ms since 1970 UTC). A key that signs opens nothing. */
export function isGood(state: ApiKeyState, hash: string, now: number): state is ApiKey {
  return isValid(state, now) && state.hash === hash && state.kind !== HMAC;
}

/** Whether it is neither revoked nor expired at that time (ms since 1970 UTC). */
export function isValid(state: ApiKeyState, now: number): state is ApiKey {
  return state.phase === "live" && (state.expiresAt === undefined || state.expiresAt > now);
}

// Decisions

const LATEST = Date.UTC(9999, 11, 31);
/** Devices sign with it. It is known to each of them, so it opens nothing. */
export const HMAC = "hmac";
const SIGN = "sign";
const KINDS = ["native", "cred", "edge-impulse", HMAC];
const PERMISSIONS = ["read", "write", "admin"];

export interface NewApiKey {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly permission: string;
  readonly namespace: string;
  /** SHA-256: 32 bytes. */
  readonly keyHash: Uint8Array;
  readonly expiresAt?: bigint | undefined;
  readonly prefix?: string;
  readonly sealedKey?: Sealed;
}

/** What a key of that kind may do if nobody says: empty: that has to be said. */
export function usualPermission(kind: string): string {
  if (kind === HMAC) return SIGN;
  return kind === "edge-impulse" ? "write" : "";
}

/** Of one that exists: nothing. Refuses InvalidField. */
export function createApiKey(asked: NewApiKey, now: number): (state: ApiKeyState) => Outcome<undefined> {
  const possible = asked.kind === HMAC ? [SIGN] : PERMISSIONS;
  return (state) => {
    if (!KINDS.includes(asked.kind)) throw new InvalidField("kind", `must be one of ${KINDS.join(", ")}`);
    if (asked.kind !== "native" && asked.namespace === "") {
      throw new InvalidField("namespace", `must be given: a key of kind ${asked.kind} is of one namespace`);
    }
    if (!possible.includes(asked.permission)) {
      throw new InvalidField("permission", `of kind ${asked.kind} must be one of ${possible.join(", ")}`);
    }
    if (asked.name === "" || asked.name.length > limits.textLength || asked.name.includes("\u0000")) {
      throw new InvalidField("name", `must be a text of 1 to ${limits.textLength} characters`);
    }
    if (asked.expiresAt !== undefined && (asked.expiresAt <= now || asked.expiresAt > LATEST)) {
      throw new InvalidField("expires_at", "is past, or after the year 9999");
    }
    return { events: state.phase === "none" ? [created(asked)] : [], result: undefined };
  };
}

/** Of one that is revoked already: nothing. Refuses NotFound. */
export function revokeApiKey(state: ApiKeyState): Outcome<undefined> {
  if (state.phase === "none") throw new NotFound("API key");
  return { events: state.phase === "live" ? [revoked] : [], result: undefined };
}

/**
 * Makes the admin key the one with that hash, and the former one void, in one decision. Refuses
 * AdminKeyWithdrawn for one that somebody revoked: whoever set it again may not know that it leaked.
 */
export function setAdminKey(keyHash: Uint8Array): (state: ApiKeyState) => Outcome<undefined> {
  const hash = Buffer.from(keyHash).toString("hex");
  const { id, name } = ADMIN_KEY;
  const key = { id, name, kind: "native", permission: "admin", namespace: "", keyHash };
  return (state) => {
    if (state.phase === "none") return { events: [created(key)], result: undefined };
    if (state.phase === "live" && state.hash === hash) return { events: [], result: undefined };
    if (state.hash === hash || state.withdrawn.includes(hash)) throw new AdminKeyWithdrawn();
    const events = state.phase === "live" ? [revoked, created(key)] : [created(key)];
    return { events, result: undefined };
  };
}

const revoked: RegistryEvent = { event: { case: "apiKeyRevoked", value: {} } };

function created({ expiresAt, sealedKey, ...key }: NewApiKey): RegistryEvent {
  const value = {
    ...key,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(sealedKey === undefined ? {} : { sealedKey: { ...sealedKey } }),
  };
  return { event: { case: "apiKeyCreated", value } };
}
