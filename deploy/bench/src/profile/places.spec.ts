import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Places } from "./places.js";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

describe("where a function of a profile stands", () => {
  const places = new Places(ROOT);
  const at = (url: string, functionName = "f", lineNumber = 0) =>
    places.of({ url, functionName, lineNumber, columnNumber: 0, scriptId: "1" });

  it("is V8 itself, the collector of garbage, or nothing", () => {
    expect(at("", "(idle)").package).toBe("idle");
    expect(at("", "(garbage collector)").package).toBe("GC");
    expect(at("", "writev")).toEqual({ package: "V8", name: "writev" });
    expect(at("", "").name).toBe("(anonymous)");
  });

  it("is Node, or the innermost package of a dependency", () => {
    expect(at("node:net", "connect", 9)).toEqual({ package: "Node", name: "connect node:net:10" });
    const url = `file://${ROOT}node_modules/.pnpm/a@1/node_modules/@scope/a/lib/index.js`;
    expect(at(url)).toEqual({ package: "@scope/a", name: "f @scope/a/lib/index.js:1" });
  });

  it("is a line of our source, by the source map of the build", () => {
    // This package's own build.
    const main = fileURLToPath(import.meta.resolve("@fieldlog/bench"));
    const file = `${dirname(main)}/frame/statistics.js`;
    const line = readFileSync(file, "utf8")
      .split("\n")
      .findIndex((each) => each.includes("function median"));
    const source = readFileSync(`${ROOT}deploy/bench/src/frame/statistics.ts`, "utf8").split("\n");
    const expected = source.findIndex((each) => each.includes("function median")) + 1;
    const found = places.of({
      ...{ url: `file://${file}`, functionName: "median", lineNumber: line, columnNumber: 23, scriptId: "1" },
    });
    expect(found).toEqual({
      package: "deploy/bench",
      name: `median deploy/bench/src/frame/statistics.ts:${expected}`,
    });
  });
});
