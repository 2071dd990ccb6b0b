import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { type Decider, InvalidField, type Outcome } from "@fieldlog/decider";
import type { Sealed } from "@fieldlog/sealing";
import { AlreadyExists } from "./refusals.js";

// Ids: a device's credentials are one aggregate, found by the device's id.

export function credentialOf(namespace: string, device: string) {
  return { namespace, id: device };
}

// Events: DeviceCredentialIssued, DeviceCredentialRevoked. Their names and fields are the storage format of
// the permanent log.

// State

/** At most one credential of each kind; what is absent was never issued, or is revoked. */
export interface Credential {
  /** Of csn-secret: sealed by the namespace's data key. */
  readonly csnSecret?: Sealed;
  /** Of mqtt-password: its SHA-256, in hex. */
  readonly mqttPassword?: string;
  /** REGISTRY sequence since which it has had an mqtt-password, however often that was replaced. */
  readonly passwordSince?: number;
  /** Of signing-secret: sealed by the namespace's data key; the one before is good as well for a while. */
  readonly signingSecret?: {
    readonly secret: Sealed;
    /** `until` in ms since 1970 UTC. */
    readonly previous?: { readonly secret: Sealed; readonly until: number };
  };
}

export const credential: Decider<Credential> = {
  kind: "credential",
  initial: {},
  evolve: (state, { event }, { sequence }) => {
    switch (event.case) {
      case "deviceCredentialIssued":
        return issued(state, event.value, sequence);
      case "deviceCredentialRevoked":
        return {};
      default:
        return state;
    }
  },
};

function issued(state: Credential, event: registry.DeviceCredentialIssued, sequence: number): Credential {
  switch (event.kind) {
    case "csn-secret":
      return { ...state, csnSecret: event.secret ?? create(registry.SealedBoxSchema) };
    case "mqtt-password": {
      const { passwordSince = sequence } = state;
      return { ...state, mqttPassword: Buffer.from(event.secretHash).toString("hex"), passwordSince };
    }
    case "signing-secret":
      return { ...state, signingSecret: signing(state, event) };
    default:
      return state; // a kind of a later version
  }
}

function signing({ signingSecret: before }: Credential, event: registry.DeviceCredentialIssued) {
  const secret = event.secret ?? create(registry.SealedBoxSchema);
  const until = Number(event.previousUntil);
  return before === undefined || until === 0
    ? { secret }
    : { secret, previous: { secret: before.secret, until } };
}

// Decisions

/** A device has one CSN secret at a time; after a revocation it may get another. Refuses AlreadyExists. */
export function issueCsnSecret(device: string, secret: Sealed) {
  return (state: Credential): Outcome<undefined> => {
    if (state.csnSecret) throw new AlreadyExists("credential", device);
    return outcome({ kind: "csn-secret", secret: { ...secret } });
  };
}

/** The password takes the place of the one before. Takes its SHA-256: 32 bytes. */
export function issueMqttPassword(secretHash: Uint8Array) {
  return (): Outcome<undefined> => outcome({ kind: "mqtt-password", secretHash });
}

/**
 * Another secret to sign with. The one before is good as well until then; the one before that no more.
 * @param previousUntil ms since 1970 UTC
 */
export function issueSigningSecret(secret: Sealed, previousUntil: number) {
  return (state: Credential): Outcome<undefined> => {
    const until = state.signingSecret === undefined ? 0 : previousUntil;
    return outcome({ kind: "signing-secret", secret: { ...secret }, previousUntil: BigInt(until) });
  };
}

/** Revokes all kinds. Of a device that has none: nothing. */
export function revokeCredentials(state: Credential): Outcome<undefined> {
  const some = [state.csnSecret, state.mqttPassword, state.signingSecret].some((one) => one !== undefined);
  return {
    events: some ? [{ event: { case: "deviceCredentialRevoked", value: {} } }] : [],
    result: undefined,
  };
}

const KINDS = ["csn-secret", "mqtt-password", "signing-secret"] as const;

/** Refuses InvalidField. */
export function credentialKind(text: string): (typeof KINDS)[number] {
  const kind = KINDS.find((known) => known === text);
  if (!kind) throw new InvalidField("kind", `must be one of ${KINDS.join(", ")}`);
  return kind;
}

function outcome(
  value:
    | { kind: "csn-secret"; secret: Sealed }
    | { kind: "mqtt-password"; secretHash: Uint8Array }
    | { kind: "signing-secret"; secret: Sealed; previousUntil: bigint },
): Outcome<undefined> {
  return { events: [{ event: { case: "deviceCredentialIssued", value } }], result: undefined };
}
