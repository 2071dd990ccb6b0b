import { create } from "@bufbuild/protobuf";
import { type AggregateId, registry, registrySubject } from "@fieldlog/contracts";
import { SequenceConflict } from "@fieldlog/event-log";
import { describe, expect, it } from "vitest";
import type { Decider } from "./decider.js";
import { current, TooManyConflicts, transact } from "./transact.js";

/** Counts its revocations; enough of an aggregate to see who won. */
const counter: Decider<number> = {
  kind: "api-key",
  initial: 0,
  evolve: (count, { event }) => (event.case === "apiKeyRevoked" ? count + 1 : count),
};
const revoked = { event: { case: "apiKeyRevoked", value: {} } } as const;
const id = { namespace: "test", id: "a" };
const options = { decidedBy: "system", now: () => 1_000 };

/** The registry's rules in memory, so that a test can let another writer win at a chosen moment. */
class MemoryRegistry {
  readonly messages: { subject: string; sequence: number; decision: registry.Decision }[] = [];
  beforeAppend: () => void = () => undefined;

  async append(aggregate: AggregateId, decision: registry.Decision, expected: number) {
    this.beforeAppend();
    return this.put(aggregate, decision, expected);
  }

  put(aggregate: AggregateId, decision: registry.Decision, expected?: number): number {
    const subject = registrySubject(aggregate);
    const last = this.messages.findLast((message) => message.subject === subject)?.sequence ?? 0;
    if (expected !== undefined && last !== expected) throw new SequenceConflict(subject, expected);
    this.messages.push({ subject, sequence: this.messages.length + 1, decision });
    return this.messages.length;
  }

  async read(aggregate: AggregateId, after: number) {
    const subject = registrySubject(aggregate);
    return this.messages.filter((message) => message.subject === subject && message.sequence > after);
  }
}

const another = create(registry.DecisionSchema, { events: [revoked], decidedAt: 1n, decidedBy: "other" });
const full = { ...id, kind: counter.kind };

describe("transact", () => {
  it("appends what was decided and answers with the state after it", async () => {
    const log = { registry: new MemoryRegistry() };
    const done = await transact(
      log,
      counter,
      id,
      async () => undefined,
      () => ({ events: [revoked], result: "ok" }),
      options,
    );
    expect(done).toEqual({ snapshot: { state: 1, sequence: 1 }, result: "ok", appended: true });
    expect(log.registry.messages[0]?.decision).toMatchObject({ decidedAt: 1_000n, decidedBy: "system" });
  });

  it("appends nothing when there is nothing to decide", async () => {
    const log = { registry: new MemoryRegistry() };
    const done = await transact(
      log,
      counter,
      id,
      async () => undefined,
      () => ({ events: [], result: 7 }),
      options,
    );
    expect(done).toEqual({ snapshot: { state: 0, sequence: 0 }, result: 7, appended: false });
    expect(log.registry.messages).toHaveLength(0);
  });

  it("folds in what a stale snapshot lacks before it decides", async () => {
    const log = { registry: new MemoryRegistry() };
    log.registry.put(full, another);
    log.registry.put(full, another);
    const seen: number[] = [];
    const decide = (state: number) => {
      seen.push(state);
      return { events: [revoked], result: undefined };
    };
    const done = await transact(log, counter, id, async () => ({ state: 1, sequence: 1 }), decide, options);
    expect(seen).toEqual([2]);
    expect(done.snapshot).toEqual({ state: 3, sequence: 3 });
  });

  it("decides again on the newer state when another writer won", async () => {
    const log = { registry: new MemoryRegistry() };
    let others = 2;
    log.registry.beforeAppend = () => {
      if (others-- > 0) log.registry.put(full, another);
    };
    const seen: number[] = [];
    const decide = (state: number) => {
      seen.push(state);
      return { events: [revoked], result: undefined };
    };
    const done = await transact(log, counter, id, async () => undefined, decide, options);
    expect(seen).toEqual([0, 1, 2]);
    expect(done.snapshot).toEqual({ state: 3, sequence: 3 });
  });

  it("gives up after the given number of attempts", async () => {
    const log = { registry: new MemoryRegistry() };
    log.registry.beforeAppend = () => log.registry.put(full, another);
    const decide = () => ({ events: [revoked], result: undefined });
    await expect(
      transact(log, counter, id, async () => undefined, decide, { ...options, attempts: 3 }),
    ).rejects.toEqual(new TooManyConflicts(full, 3));
    expect(log.registry.messages).toHaveLength(3);
  });

  it("passes a refusal on and appends nothing", async () => {
    const log = { registry: new MemoryRegistry() };
    const refuse = () => {
      throw new RangeError("no");
    };
    await expect(transact(log, counter, id, async () => undefined, refuse, options)).rejects.toThrow("no");
    expect(log.registry.messages).toHaveLength(0);
  });
});

describe("current", () => {
  it("reads the whole history where no snapshot is known", async () => {
    const log = { registry: new MemoryRegistry() };
    log.registry.put(full, another);
    log.registry.put({ ...full, id: "b" }, another);
    log.registry.put(full, another);
    expect(await current(log, counter, id, undefined)).toEqual({ state: 2, sequence: 3 });
  });
});

describe("an eager transact", () => {
  const begin = () => {
    const log = { registry: new MemoryRegistry() };
    let reads = 0;
    const read = log.registry.read.bind(log.registry);
    log.registry.read = (aggregate, after) => {
      reads++;
      return read(aggregate, after);
    };
    return { log, reads: () => reads };
  };
  const eager = { ...options, eager: true };

  it("asks the log for nothing where the snapshot is as new as that", async () => {
    const { log, reads } = begin();
    log.registry.put(full, another);
    const stored = { state: 1, sequence: 1 };
    const decide = (state: number) => ({ events: [revoked], result: state });
    const done = await transact(log, counter, id, async () => stored, decide, eager);
    expect(done).toEqual({ snapshot: { state: 2, sequence: 2 }, result: 1, appended: true });
    expect(reads()).toBe(0);
  });

  it("loads nothing where the newest snapshot was seen before, and all of it where that is stale", async () => {
    const { log, reads } = begin();
    let loads = 0;
    const load = async () => {
      loads++;
      return undefined;
    };
    const decide = (state: number) => ({ events: [revoked], result: state });
    const one = await transact(log, counter, id, load, decide, { ...eager, seen: undefined });
    const { snapshot } = await transact(log, counter, id, load, decide, { ...eager, seen: one.snapshot });
    expect(snapshot).toEqual({ state: 2, sequence: 2 });
    expect([loads, reads()]).toEqual([1, 0]);
    const three = await transact(log, counter, id, load, decide, { ...eager, seen: one.snapshot });
    expect(three.snapshot).toEqual({ state: 3, sequence: 3 });
    expect([loads, reads()]).toEqual([2, 1]);
  });

  it("decides again on the newest state where the snapshot is stale, absent, refused or enough", async () => {
    const enough = (state: number) => {
      if (state === 0) throw new Error("there is none yet");
      return { events: state === 1 ? [] : [revoked], result: state };
    };
    for (const stale of [undefined, { state: 0, sequence: 0 }, { state: 1, sequence: 1 }]) {
      const { log } = begin();
      log.registry.put(full, another);
      log.registry.put(full, another);
      const decide = (state: number) => ({ events: [revoked], result: state });
      const done = await transact(log, counter, id, async () => stale, decide, eager);
      expect(done).toMatchObject({ snapshot: { state: 3, sequence: 3 }, result: 2 });
      const other = await transact(log, counter, id, async () => stale, enough, eager);
      expect(other).toMatchObject({ snapshot: { state: 4 }, result: 3 });
    }
    const { log } = begin();
    await expect(transact(log, counter, id, async () => undefined, enough, eager)).rejects.toThrow(
      "none yet",
    );
  });
});
