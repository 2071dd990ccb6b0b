import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DueQueue } from "./due-queue.js";

const steps = fc.array(
  fc.record({
    does: fc.constantFrom("set" as const, "set" as const, "delete" as const, "take" as const),
    slot: fc.nat(40),
    at: fc.nat(100),
  }),
  { maxLength: 300 },
);

describe("a queue of what is due", () => {
  it("gives what is due by a time, and nothing else, whatever was moved or taken out", () => {
    fc.assert(
      fc.property(steps, (all) => {
        const queue = new DueQueue(4);
        queue.grow(41);
        const expected = new Map<number, number>();
        for (const { does, slot, at } of all) {
          if (does === "set") {
            queue.set(slot, at);
            expected.set(slot, at);
          } else if (does === "delete") {
            queue.delete(slot);
            expected.delete(slot);
          } else {
            const earliest = Math.min(...expected.values());
            const taken = queue.take(at);
            if (taken === undefined) expect(earliest > at || expected.size === 0).toBe(true);
            else {
              expect(expected.get(taken)).toBe(earliest);
              expect(earliest).toBeLessThanOrEqual(at);
              expected.delete(taken);
            }
          }
          expect(queue.size).toBe(expected.size);
          expect(queue.has(slot)).toBe(expected.has(slot));
          expect(queue.first).toBe(Math.min(...expected.values()));
        }
      }),
    );
  });
});
