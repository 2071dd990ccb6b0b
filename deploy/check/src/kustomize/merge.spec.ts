import { describe, expect, it } from "vitest";
import { merge } from "./merge.js";

describe("a strategic merge patch", () => {
  it("merges maps, and lists by the key of their elements", () => {
    const target = { spec: { containers: [{ name: "a", image: "one", env: [{ name: "X", value: "1" }] }] } };
    const patch = { spec: { containers: [{ name: "a", env: [{ name: "Y", value: "2" }] }, { name: "b" }] } };
    expect(merge(target, patch)).toEqual({
      spec: {
        containers: [
          {
            ...{ name: "a", image: "one" },
            env: [
              { name: "X", value: "1" },
              { name: "Y", value: "2" },
            ],
          },
          { name: "b" },
        ],
      },
    });
  });

  it("replaces lists that have no such key, and removes what is null", () => {
    const target = { args: ["a", "b"], replicas: 2 };
    expect(merge(target, { args: ["c"], replicas: null })).toEqual({ args: ["c"] });
  });

  it("leaves what it is given as it is", () => {
    const target = { labels: { a: "1" } };
    merge(target, { labels: { b: "2" } });
    expect(target).toEqual({ labels: { a: "1" } });
  });
});
