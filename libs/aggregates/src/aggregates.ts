import { create } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import {
  current,
  type Decider,
  type DecisionLog,
  fold,
  type Outcome,
  type Snapshot,
  TooManyConflicts,
  type Transaction,
  type TransactOptions,
  transact,
} from "@fieldlog/decider";
import { LogUnavailable, SequenceConflict } from "@fieldlog/event-log";
import { counter, type Registry as Metrics } from "@fieldlog/runtime";
import { type Id, type Snapshots, SnapshotsUnavailable } from "./snapshots.js";

export interface AggregatesOptions {
  readonly log: DecisionLog;
  readonly snapshots: Pick<Snapshots, "load">;
  readonly metrics?: Metrics;
  /** ms since 1970 UTC. Default: the clock. */
  readonly now?: () => number;
  /**
   * What becomes of decisions while the read model does not answer: they are unavailable (the default), or
   * start from the log alone. That costs a read per decision that the aggregate ever saw, so it is for
   * aggregates with few of them.
   */
  readonly withoutSnapshots?: "unavailable" | "read-the-log";
}

/** Milliseconds for which a read model that did not answer is not asked again. */
const AWAY_MS = 1_000;

/**
 * A service's aggregates: decisions start from its read model and are always on the newest state, because
 * what the read model lacks is folded in from the log. Raises LogUnavailable, SnapshotsUnavailable,
 * TooManyConflicts, and what a decision refuses with.
 */
export class Aggregates {
  private awayUntil = 0;
  private readonly decisions: { inc(labels: { kind: string; outcome: string }): void } | undefined;

  constructor(private readonly options: AggregatesOptions) {
    this.decisions =
      options.metrics &&
      counter(options.metrics, {
        name: "fieldlog_decisions_total",
        help: "Decisions by kind of aggregate and outcome: appended, unchanged, refused, conflict, unavailable, failed.",
        labelNames: ["kind", "outcome"],
      });
  }

  /** The state as of the newest decision in the log. Sequence 0: there is no such aggregate. */
  async current<State>(decider: Decider<State>, id: Id): Promise<Snapshot<State>> {
    return current(this.options.log, decider, id, await this.load(decider, id));
  }

  /**
   * Decides on the newest state; decides again if somebody else was first.
   *
   * @param decide may wait for what another aggregate says; what it raises is a refusal
   * @param attempts times that it decides in all. Default {@link limits.decideAttempts}
   * @param eager as {@link TransactOptions.eager}. Default false
   * @param seen as {@link TransactOptions.seen}
   */
  transact<State, Result>(
    decider: Decider<State>,
    id: Id,
    decide: (state: State) => Outcome<Result> | Promise<Outcome<Result>>,
    decidedBy: string,
    {
      attempts = limits.decideAttempts,
      eager = false,
      seen,
    }: Pick<TransactOptions<State>, "attempts" | "eager" | "seen"> = {},
  ): Promise<Transaction<State, Result>> {
    return this.counted(decider, async (noting) => {
      const load = () => this.load(decider, id);
      const now = this.options.now ?? Date.now;
      const options = { decidedBy, now, attempts, eager, seen };
      const done = await transact(this.options.log, decider, id, load, noting(decide), options);
      return { done, outcome: done.appended ? "appended" : "unchanged" };
    });
  }

  /**
   * Decides on an aggregate that should not exist yet, without looking first.
   *
   * @returns its first state, or undefined: there is one of that id, and nothing was appended
   */
  begin<State, Result>(
    decider: Decider<State>,
    id: Id,
    decide: (state: State) => Outcome<Result>,
    decidedBy: string,
  ): Promise<(Snapshot<State> & { readonly result: Result }) | undefined> {
    return this.counted(decider, async (seen) => {
      const { events, result } = await seen(decide)(decider.initial);
      const decision = create(registry.DecisionSchema, {
        events: [...events],
        decidedAt: BigInt((this.options.now ?? Date.now)()),
        decidedBy,
      });
      try {
        const sequence = await this.options.log.registry.append({ ...id, kind: decider.kind }, decision, 0);
        const first = fold(decider, { state: decider.initial, sequence: 0 }, sequence, decision);
        return { done: { ...first, result }, outcome: "appended" };
      } catch (error) {
        if (!(error instanceof SequenceConflict)) throw error;
        return { done: undefined, outcome: "conflict" };
      }
    });
  }

  private async load<State>(decider: Decider<State>, id: Id): Promise<Snapshot<State> | undefined> {
    const { snapshots, withoutSnapshots } = this.options;
    if (withoutSnapshots !== "read-the-log") return snapshots.load(decider, id);
    if (performance.now() < this.awayUntil) return undefined;
    try {
      return await snapshots.load(decider, id);
    } catch (error) {
      if (!(error instanceof SnapshotsUnavailable)) throw error;
      this.awayUntil = performance.now() + AWAY_MS;
      return undefined;
    }
  }

  /** Counts how it ended. What `decide` raises, and nothing else, is a refusal. */
  private async counted<T>(
    { kind }: { kind: string },
    work: (
      noting: <S, R>(decide: (state: S) => R | Promise<R>) => (state: S) => Promise<R>,
    ) => Promise<{ done: T; outcome: string }>,
  ): Promise<T> {
    let refusal: unknown;
    try {
      const { done, outcome } = await work((decide) => async (state) => {
        try {
          return await decide(state);
        } catch (error) {
          refusal = error;
          throw error;
        }
      });
      this.decisions?.inc({ kind, outcome });
      return done;
    } catch (error) {
      const known = failure(error);
      this.decisions?.inc({ kind, outcome: error === refusal && known === "failed" ? "refused" : known });
      throw error;
    }
  }
}

function failure(error: unknown): string {
  if (error instanceof TooManyConflicts) return "conflict";
  return error instanceof LogUnavailable || error instanceof SnapshotsUnavailable ? "unavailable" : "failed";
}
