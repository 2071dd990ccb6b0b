import { create } from "@bufbuild/protobuf";
import { INSTALLATION, registry } from "@fieldlog/contracts";
import type { Decider, Outcome } from "@fieldlog/decider";
import type { Sealed } from "@fieldlog/sealing";
import { AlreadyExists, InvalidField } from "./refusals.js";

// Ids: a namespace's history is found by its name, so that no two can have the same name.

export function namespaceNamed(name: string) {
  return { namespace: INSTALLATION, id: name };
}

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

export function isNamespaceName(text: string): boolean {
  return NAME.test(text) && !UUID.test(text);
}

/** The namespaces that always exist; their ids equal their names. All others have a UUID, which is no name. */
export const PERMANENT_NAMESPACES = ["default", "test"] as const;

export function isAssignedId(text: string): boolean {
  return UUID.test(text);
}

// Event: NamespaceCreated. Its name and fields are the storage format of the permanent log.

// State

export interface CreatedNamespace {
  readonly phase: "created";
  readonly id: string;
  readonly name: string;
  /** Sealed by the installation's key. */
  readonly dataKey: Sealed;
  /** ms since 1970 UTC. */
  readonly createdAt: number;
}

export type Namespace = { readonly phase: "none" } | CreatedNamespace;

export const namespace: Decider<Namespace> = {
  kind: "namespace",
  initial: { phase: "none" },
  evolve: (state, { event }, at) => {
    if (event.case !== "namespaceCreated") return state;
    const { id, name, dataKey = create(registry.SealedBoxSchema) } = event.value;
    return { phase: "created", id, name, dataKey, createdAt: at.decidedAt };
  },
};

// Decisions

export interface NewNamespace {
  readonly id: string;
  readonly name: string;
  readonly dataKey: Sealed;
}

/** Of one that exists under that id: nothing. Refuses AlreadyExists, InvalidField. */
export function createNamespace(asked: NewNamespace): (state: Namespace) => Outcome<undefined> {
  return (state) => {
    if (!isNamespaceName(asked.name)) {
      throw new InvalidField("name", "must match [a-z0-9][a-z0-9_-]{0,62} and be no UUID");
    }
    if (state.phase === "created" && state.id !== asked.id) throw new AlreadyExists("namespace", asked.name);
    if (state.phase === "created") return { events: [], result: undefined };
    return { events: [{ event: { case: "namespaceCreated", value: { ...asked } } }], result: undefined };
  };
}
