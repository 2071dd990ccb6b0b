import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AggregateId,
  aggregateOf,
  namespaceOfSignals,
  registrySubject,
  signalsSubject,
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
