import type { MessageInitShape } from "@bufbuild/protobuf";
import type { registry } from "@fieldlog/contracts";
import type { Decider, Outcome } from "@fieldlog/decider";
import { type Content, contentOf } from "../samples/content.js";
import { UnknownModel } from "../samples/refusals.js";

// Ids: the model's version in decimal. Versions count up from 1 in a namespace; none is used twice.

// Events: ModelStored, ModelRemoved. Their names and fields are the storage format of the permanent log.

// State

export interface MadeModel {
  readonly phase: "stored" | "removed";
  readonly version: number;
  readonly name: string;
  readonly mediaType: string;
  readonly content: Content;
  /** ms since 1970 UTC. */
  readonly storedAt: number;
}

export type ModelState = { readonly phase: "none" } | MadeModel;

export const model: Decider<ModelState> = {
  kind: "model",
  initial: { phase: "none" },
  evolve: (state, { event }, { decidedAt: storedAt }) => {
    if (state.phase === "none") {
      if (event.case !== "modelStored") return state;
      const { version, name, mediaType, stored } = event.value;
      return { phase: "stored", version, name, mediaType, content: contentOf(stored), storedAt };
    }
    return event.case === "modelRemoved" ? { ...state, phase: "removed" } : state;
  },
};

// Decisions

/** Of one that exists: nothing. */
export function storeModel(event: MessageInitShape<typeof registry.ModelStoredSchema>) {
  return (state: ModelState): Outcome<undefined> => ({
    events: state.phase === "none" ? [{ event: { case: "modelStored", value: event } }] : [],
    result: undefined,
  });
}

/** Asked twice, has no effect the second time. Refuses UnknownModel. */
export function removeModel(state: ModelState): Outcome<undefined> {
  if (state.phase === "none") throw new UnknownModel();
  const events = state.phase === "removed" ? [] : [{ event: { case: "modelRemoved", value: {} } } as const];
  return { events, result: undefined };
}
