import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Flusher, Output } from "./output.js";
import type { Wire } from "./wire.js";

class MemoryWire implements Wire {
  readonly transport = "tcp";
  readonly buffered = 0;
  readonly writes: Buffer[] = [];
  write(bytes: Buffer): void {
    this.writes.push(bytes);
  }
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

const turn = () => new Promise(setImmediate);

describe("Output", () => {
  it("writes what was added in one turn at once, in its order", async () => {
    const wire = new MemoryWire();
    const output = new Output(wire, new Flusher());
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 3_000 })));
    await fc.assert(
      fc.asyncProperty(sizes, fc.array(fc.boolean()), async (lengths, reserved) => {
        wire.writes.length = 0;
        const parts = lengths.map((length, i) => Buffer.alloc(length, i));
        parts.forEach((part, i) => {
          if (part.length > 100 || reserved[i] === false) output.add(part);
          else {
            const at = output.reserve(part.length);
            output.tail?.set(part, at);
          }
        });
        const bytes = parts.reduce((sum, part) => sum + part.length, 0);
        expect(output.backlog).toBe(bytes);
        await turn();
        expect(wire.writes).toHaveLength(bytes === 0 ? 0 : 1);
        expect(Buffer.concat(wire.writes).equals(Buffer.concat(parts))).toBe(true);
        expect([output.backlog, output.tail]).toEqual([0, undefined]);
      }),
      { numRuns: 50 },
    );
  });
  it("can be flushed at once", async () => {
    const wire = new MemoryWire();
    const output = new Output(wire, new Flusher());
    output.add(Buffer.from("a"));
    output.flush();
    await turn();
    expect(wire.writes.map(String)).toEqual(["a"]);
  });
});
