import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import type { Decider, Outcome } from "@fieldlog/decider";
import type { Sealed } from "@fieldlog/sealing";
import { AlreadyExists, InvalidField } from "./refusals.js";

// Ids: a credential is its device's.

export function credentialOf(namespace: string, device: string) {
  return { namespace, id: device };
}

// Events: DeviceCredentialIssued, DeviceCredentialRevoked. Their names and fields are the storage format of
// the permanent log.

// State

export interface IssuedCredential {
  readonly phase: "issued";
  readonly kind: string;
  /** Sealed by the namespace's data key. */
  readonly secret: Sealed;
}

export type Credential = { readonly phase: "none" } | { readonly phase: "revoked" } | IssuedCredential;

export const credential: Decider<Credential> = {
  kind: "credential",
  initial: { phase: "none" },
  evolve: (state, { event }) => {
    switch (event.case) {
      case "deviceCredentialIssued": {
        const { kind, secret = create(registry.SealedBoxSchema) } = event.value;
        return { phase: "issued", kind, secret };
      }
      case "deviceCredentialRevoked":
        return { phase: "revoked" };
      default:
        return state;
    }
  },
};

// Decisions

const KINDS = ["csn-secret"];

export interface NewCredential {
  readonly device: string;
  readonly kind: string;
  readonly secret: Sealed;
}

/** Each device has one at a time; after a revocation it may get another. Refuses AlreadyExists, InvalidField. */
export function issueCredential({ device, kind, secret }: NewCredential) {
  return (state: Credential): Outcome<undefined> => {
    if (!KINDS.includes(kind)) throw new InvalidField("kind", `must be one of ${KINDS.join(", ")}`);
    if (state.phase === "issued") throw new AlreadyExists("credential", device);
    return {
      events: [{ event: { case: "deviceCredentialIssued", value: { kind, secret: { ...secret } } } }],
      result: undefined,
    };
  };
}
