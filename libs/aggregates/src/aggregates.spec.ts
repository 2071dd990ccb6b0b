import { create } from "@bufbuild/protobuf";
import { type AggregateId, registry, registrySubject } from "@fieldlog/contracts";
import { type Decider, InvalidField, type Outcome, type Snapshot } from "@fieldlog/decider";
import { LogUnavailable, SequenceConflict } from "@fieldlog/event-log";
import { createMetrics } from "@fieldlog/runtime";
import { describe, expect, test } from "vitest";
import { Aggregates, type AggregatesOptions } from "./aggregates.js";
import { rpcFailure } from "./rpc-failure.js";
import { SnapshotsUnavailable } from "./snapshots.js";

/** Counts revocations. */
const counting: Decider<number> = {
  kind: "api-key",
  initial: 0,
  evolve: (count, { event }) => (event.case === "apiKeyRevoked" ? count + 1 : count),
};
const id = { namespace: "test", id: "a" };
const once = (count: number): Outcome<string> => ({
  events: count === 0 ? [{ event: { case: "apiKeyRevoked", value: {} } }] : [],
  result: `was ${count}`,
});

/** The registry's rules in memory. */
class MemoryRegistry {
  readonly decisions: { subject: string; sequence: number; decision: registry.Decision }[] = [];

  async append(
    aggregate: AggregateId,
    init: Parameters<typeof create<typeof registry.DecisionSchema>>[1],
    expected: number,
  ) {
    const subject = registrySubject(aggregate);
    const last = this.decisions.findLast((known) => known.subject === subject)?.sequence ?? 0;
    if (last !== expected) throw new SequenceConflict(subject, expected);
    const decision = create(registry.DecisionSchema, init);
    return this.decisions.push({ subject, sequence: this.decisions.length + 1, decision });
  }

  async read(aggregate: AggregateId, after: number) {
    const subject = registrySubject(aggregate);
    return this.decisions.filter((known) => known.subject === subject && known.sequence > after);
  }
}

function set(
  load: () => Promise<Snapshot<number> | undefined> = async () => undefined,
  options: Pick<AggregatesOptions, "withoutSnapshots"> = {},
) {
  const log = { registry: new MemoryRegistry() };
  const metrics = createMetrics();
  const snapshots = { load: load as <S>() => Promise<Snapshot<S> | undefined> };
  const aggregates = new Aggregates({ log, snapshots, metrics, now: () => 1_000, ...options });
  const outcomes = async () => {
    const metric = await metrics.getSingleMetric("fieldlog_decisions_total")?.get();
    return Object.fromEntries(metric?.values.map(({ labels, value }) => [labels["outcome"], value]) ?? []);
  };
  return { log, aggregates, outcomes };
}

describe("a decision", () => {
  test("is appended with who asked and when, and counted", async () => {
    const { log, aggregates, outcomes } = set();
    expect(await aggregates.transact(counting, id, once, "key:1")).toEqual({
      snapshot: { state: 1, sequence: 1 },
      result: "was 0",
      appended: true,
    });
    expect(log.registry.decisions[0]?.decision).toMatchObject({ decidedAt: 1_000n, decidedBy: "key:1" });
    expect(await aggregates.transact(counting, id, once, "key:1")).toMatchObject({ appended: false });
    expect(await outcomes()).toEqual({ appended: 1, unchanged: 1 });
  });

  test("starts from the snapshot, and from what the log has beyond it", async () => {
    const { log, aggregates } = set(async () => ({ state: 5, sequence: 1 }));
    for (const expected of [0, 1]) {
      const decision = { events: [{ event: { case: "apiKeyRevoked" as const, value: {} } }] };
      await log.registry.append({ ...id, kind: "api-key" }, decision, expected);
    }
    expect(await aggregates.current(counting, id)).toEqual({ state: 6, sequence: 2 });
    expect(await aggregates.transact(counting, id, once, "system")).toMatchObject({ result: "was 6" });
  });

  test("that is refused is passed on and counted as refused", async () => {
    const { aggregates, outcomes } = set();
    const refuse = () => {
      throw new RangeError("no");
    };
    await expect(aggregates.transact(counting, id, refuse, "system")).rejects.toThrow(RangeError);
    await expect(aggregates.begin(counting, id, refuse, "system")).rejects.toThrow(RangeError);
    expect(await outcomes()).toEqual({ refused: 2 });
  });

  test("may wait for what another aggregate says, and what that refuses is a refusal", async () => {
    const { log, aggregates, outcomes } = set();
    const asking = async (count: number) => {
      const other = await aggregates.current(counting, { ...id, id: "b" });
      // Somebody else decides while this one waits.
      if (log.registry.decisions.length === 0) await aggregates.begin(counting, id, once, "system");
      return { ...once(other.state), result: `${count} and ${other.state}` };
    };
    expect(await aggregates.transact(counting, id, asking, "system")).toMatchObject({
      snapshot: { state: 2 },
      result: "1 and 0",
    });
    const refuse = () => Promise.reject(new RangeError("no"));
    await expect(aggregates.transact(counting, id, refuse, "system")).rejects.toThrow(RangeError);
    expect(await outcomes()).toEqual({ appended: 2, refused: 1 });
  });

  test("is taken as often as its caller says", async () => {
    const { log, aggregates, outcomes } = set();
    const append = log.registry.append.bind(log.registry);
    let conflicts = 0;
    log.registry.append = async (aggregate, init, expected) => {
      if (conflicts++ < 20) throw new SequenceConflict("subject", expected);
      return append(aggregate, init, expected);
    };
    await expect(aggregates.transact(counting, id, once, "system")).rejects.toMatchObject({ attempts: 8 });
    await aggregates.transact(counting, id, once, "system", { attempts: 13 });
    expect(await outcomes()).toEqual({ appended: 1, conflict: 1 });
  });

  test("for which the read model or the log is away is counted as unavailable", async () => {
    const { log, aggregates, outcomes } = set(() => Promise.reject(new SnapshotsUnavailable()));
    await expect(aggregates.transact(counting, id, once, "system")).rejects.toThrow(SnapshotsUnavailable);
    log.registry.append = () => Promise.reject(new LogUnavailable("down"));
    await expect(aggregates.begin(counting, id, once, "system")).rejects.toThrow(LogUnavailable);
    expect(await outcomes()).toEqual({ unavailable: 2 });
  });
});

test("a read model that does not answer is not asked at each decision, where the log alone may do", async () => {
  let asked = 0;
  const away = () => {
    asked++;
    return Promise.reject(new SnapshotsUnavailable());
  };
  const { aggregates } = set(away, { withoutSnapshots: "read-the-log" });
  await aggregates.transact(counting, id, once, "system");
  expect((await aggregates.current(counting, id)).state).toBe(1);
  expect(asked).toBe(1);
});

describe("beginning an aggregate", () => {
  test("gives its first state", async () => {
    const { aggregates } = set();
    expect(await aggregates.begin(counting, id, once, "system")).toEqual({
      state: 1,
      sequence: 1,
      result: "was 0",
    });
  });

  test("leaves one that is there as it is", async () => {
    const { log, aggregates, outcomes } = set();
    await aggregates.begin(counting, id, once, "system");
    expect(await aggregates.begin(counting, id, once, "system")).toBeUndefined();
    expect(log.registry.decisions).toHaveLength(1);
    expect(await outcomes()).toEqual({ appended: 1, conflict: 1 });
  });
});

test("failures are told as gRPC tells them, and nothing else is", () => {
  expect(rpcFailure(new LogUnavailable("down", 3))).toMatchObject({
    code: "unavailable",
    details: { retryAfterS: "3" },
  });
  expect(rpcFailure(new InvalidField("name", "is too long"))).toMatchObject({
    code: "invalid_argument",
    message: "name is too long",
    details: { field: "name" },
  });
  expect(rpcFailure(new SnapshotsUnavailable())).toMatchObject({ code: "unavailable" });
  expect(rpcFailure(new RangeError("no"))).toBeUndefined();
});
