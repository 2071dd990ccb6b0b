import type { HeapProfiler, Profiler, Runtime } from "node:inspector";
import { describe, expect, it } from "vitest";
import { allocationOf, type Locate, timeOf } from "./costs.js";
import { tablesOf } from "./tables.js";

const frame = (functionName: string, url = ""): Runtime.CallFrame => ({
  ...{ functionName, url, scriptId: "0", lineNumber: 0, columnNumber: 0 },
});
const locate: Locate = ({ functionName: name, url }) => ({ name, package: url === "" ? name : url });

/** `serve` calls `parse` (of another package), which calls itself; then nothing happens. */
const profile: Profiler.Profile = {
  nodes: [
    { id: 1, callFrame: frame("(root)"), children: [2, 5] },
    { id: 2, callFrame: frame("serve", "ours"), children: [3] },
    { id: 3, callFrame: frame("parse", "theirs"), children: [4] },
    { id: 4, callFrame: frame("parse", "theirs") },
    { id: 5, callFrame: frame("idle") },
  ],
  ...{ startTime: 0, endTime: 100, samples: [2, 3, 4, 5, 5], timeDeltas: [1, 10, 20, 30, 40] },
};

describe("what profiles add up to", () => {
  it("counts the time from each sample to the next", () => {
    const { total, functions } = timeOf([profile], locate);
    expect(total).toBe(100);
    expect(functions).toEqual([
      { name: "parse", self: 50, whole: 50 },
      { name: "idle", self: 40, whole: 40 },
      { name: "serve", self: 10, whole: 60 },
    ]);
  });

  it("counts once what calls itself, and adds several profiles", () => {
    const { packages } = timeOf([profile, profile], locate);
    expect(packages).toContainEqual({ name: "theirs", self: 100, whole: 100 });
    expect(packages).toContainEqual({ name: "ours", self: 20, whole: 120 });
  });

  it("adds what was allocated", () => {
    const node = (name: string, selfSize: number, children: HeapProfiler.SamplingHeapProfileNode[] = []) => ({
      ...{ callFrame: frame(name, "ours"), selfSize, id: 0 },
      children,
    });
    const head = node("(root)", 0, [node("serve", 100, [node("parse", 300)])]);
    expect(allocationOf([{ head }], locate)).toEqual({
      total: 400,
      packages: [{ name: "ours", self: 400, whole: 400 }],
      functions: [
        { name: "parse", self: 300, whole: 300 },
        { name: "serve", self: 100, whole: 400 },
      ],
    });
  });

  it("shows shares of the time in which something was done", () => {
    const time = timeOf([profile], locate);
    const text = tablesOf("a service", time, { total: 0, packages: [], functions: [] });
    expect(text).toContain("idle 40.0 %");
    expect(text).toMatch(/83\.3 % .* 83\.3 % {2}parse/);
    expect(text).toMatch(/16\.7 % .* 100\.0 % {2}serve/);
    expect(text).not.toMatch(/% {2}idle/);
  });
});
