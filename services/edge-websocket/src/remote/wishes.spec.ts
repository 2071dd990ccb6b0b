import { limits } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import { TooManyWishes, Wishes } from "./wishes.js";

const END = limits.remoteWishEndsMs;

describe("a wish", () => {
  it("ends by itself unless it is renewed", () => {
    const wishes = new Wishes();
    wishes.want("a", "low", 0);
    wishes.want("b", "high", 0);
    wishes.want("a", "low", 10);
    wishes.tick(END);
    expect([wishes.some, wishes.has("low"), wishes.has("high")]).toEqual([true, true, false]);
    wishes.tick(END + 10);
    expect(wishes.some).toBe(false);
  });

  it("is taken back by its viewer alone", () => {
    const wishes = new Wishes();
    wishes.want("a", "low", 0);
    wishes.want("b", "low", 0);
    wishes.forget("a");
    expect(wishes.some).toBe(true);
    wishes.forget("b");
    expect(wishes.some).toBe(false);
  });

  it("that was dismissed does not come back, until its viewer has been silent", () => {
    const wishes = new Wishes();
    wishes.want("a", "low", 0);
    wishes.dismiss(0);
    expect([wishes.some, wishes.want("a", "low", 10), wishes.want("b", "low", 10)]).toEqual([
      false,
      false,
      true,
    ]);
    wishes.tick(END + 9);
    expect(wishes.want("a", "low", END + 9)).toBe(false);
    wishes.tick(3 * END);
    expect(wishes.want("a", "low", 3 * END)).toBe(true);
  });

  it("is one of so many", () => {
    const wishes = new Wishes();
    for (let n = 0; n < limits.wishes; n++) wishes.want(`viewer ${n}`, "low", 0);
    expect(() => wishes.want("another", "low", 0)).toThrow(TooManyWishes);
    expect(wishes.want("viewer 1", "high", 0)).toBe(true);
  });
});
