import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import type { Decider, Outcome } from "@fieldlog/decider";
import type { Sealed } from "@fieldlog/sealing";
import { AlreadyExists, InvalidField } from "./refusals.js";

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
}

export const credential: Decider<Credential> = {
  kind: "credential",
  initial: {},
  evolve: (state, { event }) => {
    switch (event.case) {
      case "deviceCredentialIssued":
        return issued(state, event.value);
      case "deviceCredentialRevoked":
        return {};
      default:
        return state;
    }
  },
};

function issued(state: Credential, event: registry.DeviceCredentialIssued): Credential {
  switch (event.kind) {
    case "csn-secret":
      return { ...state, csnSecret: event.secret ?? create(registry.SealedBoxSchema) };
    case "mqtt-password":
      return { ...state, mqttPassword: Buffer.from(event.secretHash).toString("hex") };
    default:
      return state; // a kind of a later version
  }
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

/** Revokes all kinds. Of a device that has none: nothing. */
export function revokeCredentials(state: Credential): Outcome<undefined> {
  const some = state.csnSecret !== undefined || state.mqttPassword !== undefined;
  return {
    events: some ? [{ event: { case: "deviceCredentialRevoked", value: {} } }] : [],
    result: undefined,
  };
}

const KINDS = ["csn-secret", "mqtt-password"] as const;

/** Refuses InvalidField. */
export function credentialKind(text: string): (typeof KINDS)[number] {
  const kind = KINDS.find((known) => known === text);
  if (!kind) throw new InvalidField("kind", `must be one of ${KINDS.join(", ")}`);
  return kind;
}

function outcome(
  value: { kind: "csn-secret"; secret: Sealed } | { kind: "mqtt-password"; secretHash: Uint8Array },
): Outcome<undefined> {
  return { events: [{ event: { case: "deviceCredentialIssued", value } }], result: undefined };
}
