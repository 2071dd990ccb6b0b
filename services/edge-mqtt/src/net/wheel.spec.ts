import { beforeEach, describe, expect, it } from "vitest";
import { type Timed, Wheel } from "./wheel.js";

let now: number;
let wheel: Wheel;
let due: string[];

class Thing implements Timed {
  wheelSlot = -1;
  constructor(
    readonly name: string,
    public at: number,
  ) {}
  dueAt(): number {
    return this.at;
  }
  due(): void {
    due.push(this.name);
  }
}

const passes = (ms: number) => {
  for (const end = now + ms; now < end; ) {
    now = Math.min(now + 250, end);
    wheel.tick();
  }
};

beforeEach(() => {
  now = 1_000_000;
  due = [];
  wheel = new Wheel(() => now);
  wheel.tick();
});

describe("Wheel", () => {
  it("finds what is due, not before its time", () => {
    wheel.set(new Thing("a", now + 1_000));
    wheel.set(new Thing("b", now + 2_000));
    passes(999);
    expect(due).toEqual([]);
    passes(251);
    expect(due).toEqual(["a"]);
    passes(1_000);
    expect(due).toEqual(["a", "b"]);
  });
  it("leaves alone what was heard of meanwhile", () => {
    const thing = new Thing("a", now + 1_000);
    wheel.set(thing);
    passes(900);
    thing.at = now + 1_000;
    passes(900);
    expect(due).toEqual([]);
    passes(400);
    expect(due).toEqual(["a"]);
  });
  it("forgets what was taken away, or is never due", () => {
    const thing = new Thing("a", now + 1_000);
    wheel.set(thing);
    wheel.remove(thing);
    wheel.set(new Thing("b", Number.POSITIVE_INFINITY));
    passes(5_000);
    expect(due).toEqual([]);
    expect(thing.wheelSlot).toBe(-1);
  });
  it("takes what is overdue in its next turn", () => {
    wheel.set(new Thing("a", now - 5_000));
    passes(500);
    expect(due).toEqual(["a"]);
  });
});
