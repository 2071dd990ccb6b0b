import { describe, expect, it } from "vitest";
import { isTopicName, parseFilter } from "./topics.js";

describe("A topic filter", () => {
  it.each(["a", "#", "+", "/", "a/+/b", "+/+", "a/#", "/a", "a/", " ", "a/$SYS"])("may be %j", (filter) => {
    expect(parseFilter(filter)).toEqual({ filter, share: undefined });
  });
  it.each([
    ...["", "a#", "#/a", "a/#/b", "a+", "+a", "a/b+/c", "##", "$SYS/#", "$SYS", "$", "$other/+"],
    ...["$share", "$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/#/a", "$share/g/a#"],
    ...["$share/g/$SYS/a", "a/".repeat(32), "x".repeat(1025)],
  ])("may not be %j", (filter) => {
    expect(parseFilter(filter)).toBeUndefined();
  });
  it("may be shared", () => {
    expect(parseFilter("$share/g/a/#")).toEqual({ filter: "a/#", share: "g" });
    expect(parseFilter("$share/g//")).toEqual({ filter: "/", share: "g" });
  });
});

describe("A topic name", () => {
  it("has characters, but no wildcards", () => {
    expect(["a", "/", "a b/ü"].map(isTopicName)).toEqual([true, true, true]);
    expect(["", "+", "a/#"].map(isTopicName)).toEqual([false, false, false]);
  });
});
