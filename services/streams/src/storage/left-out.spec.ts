import { expect, it } from "vitest";
import { LeftOut } from "./left-out.js";

it("a namespace of which nothing could be stored is left out for five seconds, one of which something could is not", () => {
  const clock = { ms: 0 };
  const leftOut = new LeftOut(() => clock.ms);
  const failed = { status: "rejected" as const, reason: new Error("it is full") };
  const stored = { status: "fulfilled" as const, value: undefined };
  const of = ["full", "one wrong", "fine", "one wrong", "full"].map((namespace) => ({ namespace }));
  leftOut.note(of, [failed, failed, stored, stored, failed]);
  expect(leftOut.names()).toEqual(["full"]);
  clock.ms = 4_999;
  expect(leftOut.names()).toEqual(["full"]);
  clock.ms = 5_000;
  expect(leftOut.names()).toEqual([]);
});
