import { limits } from "@fieldlog/contracts";
import { type Decider, InvalidField, type Outcome } from "@fieldlog/decider";
import { isOneOf } from "./one-of.js";
import { NotFound } from "./refusals.js";

// Ids: a provisioning token is found by its id, a UUID, under its namespace; a device shows the token, of which the hash is kept.

// Events: ProvisioningTokenCreated, ProvisioningTokenRegenerated, ProvisioningTokenDisabled, ProvisioningTokenEnabled.
// Their names and fields are the storage format of the permanent log.

/** Who chooses a device's id: `may`, or `must`; where nobody did, it gets a UUID. */
export const DEVICE_ID_MODES = [
  "either",
  "device",
  "device-only",
  "technician",
  "technician-only",
  "none",
] as const;
export type DeviceIdMode = (typeof DEVICE_ID_MODES)[number];

/** Whether whoever approves may choose the lifetime of registration tokens. */
export const LIFETIME_MODES = ["disabled", "allowed", "enforced"] as const;
export type LifetimeMode = (typeof LIFETIME_MODES)[number];

// State

export interface CreatedProvisioningToken {
  readonly phase: "created";
  readonly name: string;
  /** SHA-256 of the token that is good now, in hex. */
  readonly hash: string;
  readonly enabled: boolean;
  /** ms since 1970 UTC; absent: never. */
  readonly expiresAt?: number;
  /** At most so many devices; absent: any number. */
  readonly registrations?: number;
  /** Seconds that registration tokens are good for, and the most that may be chosen; absent: they do not expire. */
  readonly registrationLifetimeS?: number;
  readonly deviceIdMode: DeviceIdMode;
  /** That a device gets where nobody chooses another; absent: a UUID. */
  readonly deviceId?: string;
  readonly lifetimeMode: LifetimeMode;
  /** It may be chosen that registration tokens do not expire. */
  readonly infiniteLifetime: boolean;
  /** Devices that come with it need nobody's approval. */
  readonly approved: boolean;
  /** ms since 1970 UTC. */
  readonly createdAt: number;
  /** REGISTRY sequence of its creation. */
  readonly number: number;
}

export type ProvisioningToken = { readonly phase: "none" } | CreatedProvisioningToken;

export const provisioningToken: Decider<ProvisioningToken> = {
  kind: "provisioning-token",
  initial: { phase: "none" },
  evolve: (state, { event }, { sequence, decidedAt }) => {
    if (event.case === "provisioningTokenCreated") {
      const { name, tokenHash, expiresAt, registrations, registrationLifetimeS, deviceId } = event.value;
      return {
        ...{ phase: "created", name, hash: hex(tokenHash), enabled: true },
        ...(expiresAt === undefined ? {} : { expiresAt: Number(expiresAt) }),
        ...(registrations === undefined ? {} : { registrations }),
        ...(registrationLifetimeS === undefined ? {} : { registrationLifetimeS }),
        ...(deviceId === "" ? {} : { deviceId }),
        deviceIdMode: event.value.deviceIdMode as DeviceIdMode,
        lifetimeMode: event.value.lifetimeMode as LifetimeMode,
        ...{ infiniteLifetime: event.value.infiniteLifetime, approved: event.value.approved },
        ...{ createdAt: decidedAt, number: sequence },
      };
    }
    if (state.phase === "none") return state;
    switch (event.case) {
      case "provisioningTokenRegenerated":
        return { ...state, hash: hex(event.value.tokenHash) };
      case "provisioningTokenDisabled":
        return { ...state, enabled: false };
      case "provisioningTokenEnabled":
        return { ...state, enabled: true };
      default:
        return state;
    }
  },
};

function hex(hash: Uint8Array): string {
  return Buffer.from(hash).toString("hex");
}

/** Whether a device that shows the token with that hash (hex) may come in at that time (ms since 1970 UTC). */
export function admits(
  state: ProvisioningToken,
  hash: string,
  now: number,
): state is CreatedProvisioningToken {
  return (
    state.phase === "created" &&
    state.enabled &&
    state.hash === hash &&
    (state.expiresAt === undefined || state.expiresAt > now)
  );
}

// Decisions

const LATEST = Date.UTC(9999, 11, 31);
/** Seconds that a registration token is good for at least and at most. A shorter one would end while it is fetched. */
const LIFETIME_S = { least: 60, most: 10 * 366 * 86_400 } as const;

export interface NewProvisioningToken {
  readonly name: string;
  readonly tokenHash: Uint8Array;
  readonly expiresAt?: bigint | undefined;
  readonly registrations?: number | undefined;
  readonly registrationLifetimeS?: number | undefined;
  /** Empty: "either". */
  readonly deviceIdMode: string;
  /** That a device gets where nobody chooses another; empty: a UUID. */
  readonly deviceId: string;
  /** Empty: "disabled". */
  readonly lifetimeMode: string;
  readonly infiniteLifetime: boolean;
  readonly approved: boolean;
}

/** Refuses InvalidField. */
export function createProvisioningToken(
  asked: NewProvisioningToken,
  now: number,
): (state: ProvisioningToken) => Outcome<undefined> {
  const deviceIdMode = asked.deviceIdMode || "either";
  const lifetimeMode = asked.lifetimeMode || "disabled";
  return (state) => {
    checkNew({ ...asked, deviceIdMode, lifetimeMode }, now);
    if (state.phase !== "none") return { events: [], result: undefined };
    const { name, tokenHash, expiresAt, registrations, registrationLifetimeS, deviceId } = asked;
    const value = {
      ...{ name, tokenHash, deviceIdMode, deviceId, lifetimeMode },
      ...(expiresAt === undefined ? {} : { expiresAt }),
      ...(registrations === undefined ? {} : { registrations }),
      ...(registrationLifetimeS === undefined ? {} : { registrationLifetimeS }),
      ...{ infiniteLifetime: asked.infiniteLifetime, approved: asked.approved },
    };
    return { events: [{ event: { case: "provisioningTokenCreated", value } }], result: undefined };
  };
}

function checkNew(asked: NewProvisioningToken, now: number): void {
  const { name, expiresAt, registrations, registrationLifetimeS, deviceIdMode, lifetimeMode } = asked;
  if (name === "" || name.length > limits.textLength || name.includes("\u0000")) {
    throw new InvalidField("name", `must be a text of 1 to ${limits.textLength} characters`);
  }
  if (expiresAt !== undefined && (expiresAt <= now || expiresAt > LATEST)) {
    throw new InvalidField("expires_at", "is past, or after the year 9999");
  }
  if (registrations !== undefined && registrations < 1) {
    throw new InvalidField("registrations", "must be 1 or more, or absent: any number");
  }
  if (asked.deviceId !== "") checkDeviceId(asked.deviceId);
  if (registrationLifetimeS !== undefined) checkLifetime(registrationLifetimeS);
  if (!isOneOf(DEVICE_ID_MODES, deviceIdMode)) {
    throw new InvalidField("device_id_mode", `must be one of ${DEVICE_ID_MODES.join(", ")}`);
  }
  if (!isOneOf(LIFETIME_MODES, lifetimeMode)) {
    throw new InvalidField("lifetime_mode", `must be one of ${LIFETIME_MODES.join(", ")}`);
  }
  if (asked.approved && (deviceIdMode === "technician-only" || lifetimeMode === "enforced")) {
    throw new InvalidField("approved", "leaves nobody to choose what whoever approves must choose");
  }
}

const DEVICE_ID = new RegExp(`^[0-9A-Za-z_.-]{${limits.provisionedIdLeast},${limits.provisionedIdMost}}$`);

/** An id that a provisioned device may have (section B1 of the dialect). Raises InvalidField. */
export function checkDeviceId(id: string): void {
  if (DEVICE_ID.test(id)) return;
  const { provisionedIdLeast: least, provisionedIdMost: most } = limits;
  throw new InvalidField("device_id", `must be ${least} to ${most} of 0-9, a-z, A-Z, -, _ and .`);
}

/** Seconds. Raises InvalidField. */
export function checkLifetime(seconds: number): void {
  if (seconds >= LIFETIME_S.least && seconds <= LIFETIME_S.most) return;
  const { least, most } = LIFETIME_S;
  throw new InvalidField("registration_lifetime_s", `must be ${least} to ${most}, or absent`);
}

/** Refuses NotFound. The token before is good no more. */
export function regenerate(tokenHash: Uint8Array): (state: ProvisioningToken) => Outcome<undefined> {
  return (state) => {
    if (state.phase === "none") throw new NotFound("provisioning token");
    return {
      events: [{ event: { case: "provisioningTokenRegenerated", value: { tokenHash } } }],
      result: undefined,
    };
  };
}

/** To what it is already: nothing. Refuses NotFound. */
export function setEnabled(enabled: boolean): (state: ProvisioningToken) => Outcome<undefined> {
  return (state) => {
    if (state.phase === "none") throw new NotFound("provisioning token");
    if (state.enabled === enabled) return { events: [], result: undefined };
    const name = enabled ? "provisioningTokenEnabled" : "provisioningTokenDisabled";
    return { events: [{ event: { case: name, value: {} } }], result: undefined };
  };
}
