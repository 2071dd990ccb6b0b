import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { idInShard } from "./shard.js";
import {
  type AggregateId,
  aggregateOf,
  emptySignals,
  isSignalsStream,
  namespaceOf,
  namespaceOfSignals,
  registrySubject,
  shardOfStream,
  signalsOfShard,
  signalsStream,
  signalsSubject,
  streamOfShard,
  token,
  untoken,
} from "./subjects.js";

const anyId = fc.string({ minLength: 1, maxLength: 60, unit: "grapheme" }).filter((id) => id.isWellFormed());

describe("subjects", () => {
  it("leave ordinary ids readable", () => {
    expect(signalsSubject("default")).toBe("signals.default");
    expect(registrySubject({ namespace: "test", kind: "device", id: "6572938060890112" })).toBe(
      "registry.test.device.6572938060890112",
    );
  });

  it("of a further shard lie in a stream of their own", () => {
    const namespace = idInShard("81bf7042-e20f-4a97-ac44-c15853e3618f", 12);
    expect(signalsStream(namespace)).toBe("SIGNALS_12");
    expect(signalsSubject(namespace)).toBe(`signals_12.${namespace}`);
    expect(namespaceOfSignals(signalsSubject(namespace))).toBe(namespace);
    expect(namespaceOf(signalsSubject(namespace))).toBe(namespace);
    expect([signalsOfShard(12), emptySignals("SIGNALS_12")]).toEqual(["signals_12.*", "signals_12._"]);
    expect([signalsStream("test"), signalsOfShard(0), emptySignals("SIGNALS")]).toEqual([
      ...["SIGNALS", "signals.*", "signals._"],
    ]);
    for (const shard of [0, 1, 63]) expect(shardOfStream(streamOfShard(shard))).toBe(shard);
    expect(["SIGNALS", "SIGNALS_9", "SIGNALS_10"].every(isSignalsStream)).toBe(true);
    expect(["REGISTRY", "SIGNALS_", "SIGNALS_0", "SIGNALS_1x", "KV_SIGNALS_1"].some(isSignalsStream)).toBe(
      false,
    );
  });

  it("carry any id as one token that NATS takes", () => {
    fc.assert(
      fc.property(anyId, (id) => {
        expect(token(id)).toMatch(/^[^.*>\s]+$/);
        expect(untoken(token(id))).toBe(id);
      }),
    );
  });

  it("give back what they were made of", () => {
    fc.assert(
      fc.property(anyId, anyId, (namespace, id) => {
        const aggregate: AggregateId = { namespace, kind: "credential", id };
        expect(aggregateOf(registrySubject(aggregate))).toEqual(aggregate);
        expect(namespaceOfSignals(signalsSubject(namespace))).toBe(namespace);
      }),
    );
  });

  it("are not guessed from what is none", () => {
    for (const subject of ["signals.a", "registry.a.device", "registry.a.device.b.c", ""]) {
      expect(() => aggregateOf(subject)).toThrow(TypeError);
    }
  });
});
