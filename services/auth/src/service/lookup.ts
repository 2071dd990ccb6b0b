import { setTimeout as sleep } from "node:timers/promises";
import { type Id, type Snapshots, SnapshotsUnavailable } from "@fieldlog/aggregates";
import { limits, REGISTRY } from "@fieldlog/contracts";
import type { Decider } from "@fieldlog/decider";
import { type EventLog, LogUnavailable } from "@fieldlog/event-log";
import type { ReadModelRunner } from "@fieldlog/read-model";

/** Finds aggregates by another key than their id, also those that the read model does not have yet. */
export class Lookup {
  constructor(
    private readonly snapshots: Pick<Snapshots, "find">,
    /** Resolves when the read model has all that is in the log now; see {@link catchingUp}. */
    private readonly caughtUp: () => Promise<void>,
  ) {}

  /**
   * What `accept` makes of the aggregates that go by the key. If that is nothing, looks again once the read
   * model has all that is in the log: it may have been decided a moment ago.
   *
   * @param accept given an id, looks at the newest state; undefined: not this one
   */
  async find<T>(
    decider: Decider<unknown>,
    key: string,
    accept: (id: Id) => Promise<T | undefined>,
  ): Promise<T[]> {
    const look = async () => {
      const found = await Promise.all((await this.snapshots.find(decider, key)).map(accept));
      return found.filter((value): value is Exclude<typeof value, undefined> => value !== undefined);
    };
    const found = await look();
    if (found.length > 0) return found;
    await this.caughtUp();
    return look();
  }
}

/** Waits, at most 2 s for each of the two. Raises SnapshotsUnavailable, LogUnavailable. */
export function catchingUp(
  log: Pick<EventLog, "lastSequence">,
  runner: Pick<ReadModelRunner<unknown>, "waitFor">,
): () => Promise<void> {
  const late = async () => {
    await sleep(limits.readYourWritesMs, undefined, { ref: false });
    throw new LogUnavailable("no answer in time");
  };
  return async () => {
    const newest = await Promise.race([log.lastSequence(REGISTRY), late()]);
    if (!(await runner.waitFor(newest, limits.readYourWritesMs))) throw new SnapshotsUnavailable();
  };
}
