import { create } from "@bufbuild/protobuf";
import { type AggregateId, limits, registry } from "@fieldlog/contracts";
import { type Registry, SequenceConflict } from "@fieldlog/event-log";
import { type Decider, fold, type Outcome, type Snapshot } from "./decider.js";

/** The part of the event log that decisions need. */
export interface DecisionLog {
  readonly registry: Pick<Registry, "append" | "read">;
}

export interface TransactOptions<State = unknown> {
  /** Who asked: "device:<id>", "key:<id>", "user:<id>", "system". */
  readonly decidedBy: string;
  /** ms since 1970 UTC. Default: the clock. */
  readonly now?: () => number;
  /** Times that it decides again after another writer won. Default {@link limits.decideAttempts}. */
  readonly attempts?: number;
  /**
   * Decides on the snapshot first, as it is: whether the log has more is told by the append. Saves a question to the log
   * where snapshots are seldom stale. What is refused, or leads to nothing, is decided again on the newest state.
   */
  readonly eager?: boolean;
  /**
   * The newest snapshot that the caller has seen. Decided on first, as `eager` says, before the stored one is loaded: that
   * of a decision just taken is not stored yet.
   */
  readonly seen?: Snapshot<State> | undefined;
}

export interface Transaction<State, Result> {
  readonly snapshot: Snapshot<State>;
  readonly result: Result;
  /** false: there was nothing to decide. */
  readonly appended: boolean;
}

/** Other writers won every time. */
export class TooManyConflicts extends Error {
  override readonly name = "TooManyConflicts";
  constructor(
    readonly id: AggregateId,
    readonly attempts: number,
  ) {
    super(`${id.kind} ${id.id} was changed by others ${attempts} times in a row`);
  }
}

/**
 * The aggregate's state as of the newest decision in the log: a snapshot, folded up with what came after it.
 *
 * @param snapshot undefined: none is known, all is read from the log
 */
export async function current<State>(
  log: DecisionLog,
  decider: Decider<State>,
  id: Omit<AggregateId, "kind">,
  snapshot: Snapshot<State> | undefined,
): Promise<Snapshot<State>> {
  let newest = snapshot ?? { state: decider.initial, sequence: 0 };
  for (const { sequence, decision } of await log.registry.read(
    { ...id, kind: decider.kind },
    newest.sequence,
  )) {
    newest = fold(decider, newest, sequence, decision);
  }
  return newest;
}

/**
 * Decides on an aggregate and appends the events, expecting that nobody else has decided meanwhile. If
 * somebody has, it folds that in and decides again. A stale snapshot costs reading, never a wrong decision.
 *
 * @param loadSnapshot from the service's own read model; undefined: none is known
 * @param decide pure, or it waits for what another aggregate says; the append expects the state that it was given.
 *   May raise a refusal of its own, which is passed on
 * @throws TooManyConflicts, LogUnavailable, or what `decide` raised on the newest state
 */
export async function transact<State, Result>(
  log: DecisionLog,
  decider: Decider<State>,
  id: Omit<AggregateId, "kind">,
  loadSnapshot: () => Promise<Snapshot<State> | undefined>,
  decide: (state: State) => Outcome<Result> | Promise<Outcome<Result>>,
  options: TransactOptions<State>,
): Promise<Transaction<State, Result>> {
  const aggregate = { ...id, kind: decider.kind };
  const { attempts = limits.decideAttempts, eager, seen } = options;
  const append = async (
    snapshot: Snapshot<State>,
    { events, result }: Outcome<Result>,
  ): Promise<Transaction<State, Result> | undefined> => {
    const decidedAt = BigInt((options.now ?? Date.now)());
    const { decidedBy } = options;
    const decision = create(registry.DecisionSchema, { events: [...events], decidedAt, decidedBy });
    try {
      const sequence = await log.registry.append(aggregate, decision, snapshot.sequence);
      return { snapshot: fold(decider, snapshot, sequence, decision), result, appended: true };
    } catch (error) {
      if (!(error instanceof SequenceConflict)) throw error;
      return undefined;
    }
  };
  const appendedOn = async (stale: Snapshot<State>) => {
    const outcome = await settled(async () => decide(stale.state));
    return outcome && outcome.events.length > 0 ? append(stale, outcome) : undefined;
  };
  const first = seen && (await appendedOn(seen));
  if (first) return first;
  const loaded = await loadSnapshot();
  if (eager && !seen) {
    const done = await appendedOn(loaded ?? { state: decider.initial, sequence: 0 });
    if (done) return done;
  }
  let snapshot = await current(log, decider, id, loaded);
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const outcome = await decide(snapshot.state);
    if (outcome.events.length === 0) return { snapshot, result: outcome.result, appended: false };
    const done = await append(snapshot, outcome);
    if (done) return done;
    snapshot = await current(log, decider, id, snapshot);
  }
  throw new TooManyConflicts(aggregate, attempts);
}

/** What it resolves to; undefined: it raised something. */
async function settled<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch {
    return undefined;
  }
}
