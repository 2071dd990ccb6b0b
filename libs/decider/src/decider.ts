import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AggregateId, AggregateKind, registry } from "@fieldlog/contracts";

export type RegistryEvent = MessageInitShape<typeof registry.RegistryEventSchema>;

/** When and where a decision stands in the log. */
export interface DecisionPoint {
  readonly sequence: number;
  /** ms since 1970 UTC. */
  readonly decidedAt: number;
  /** Who asked, as {@link registry.Decision} has it. */
  readonly decidedBy: string;
}

/** How the state of one kind of aggregate follows from its events. Pure. */
export interface Decider<State> {
  readonly kind: AggregateKind;
  readonly initial: State;
  /** Only records; it never refuses, for what is in the log has been decided. */
  evolve(state: State, event: registry.RegistryEvent, at: DecisionPoint): State;
}

/** The state of an aggregate as of a sequence; 0: it does not exist. */
export interface Snapshot<State> {
  readonly state: State;
  readonly sequence: number;
}

/** Folds one decision into a snapshot. */
export function fold<State>(
  decider: Decider<State>,
  snapshot: Snapshot<State>,
  sequence: number,
  decision: registry.Decision,
): Snapshot<State> {
  const { decidedBy } = decision;
  const at = { sequence, decidedAt: Number(decision.decidedAt), decidedBy };
  const state = decision.events.reduce((before, event) => decider.evolve(before, event, at), snapshot.state);
  return { state, sequence };
}

/** What a decision led to. No events: everything is already as it should be. */
export interface Outcome<Result> {
  readonly events: readonly RegistryEvent[];
  readonly result: Result;
}

export type { AggregateId };
