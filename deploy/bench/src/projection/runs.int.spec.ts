import { rm } from "node:fs/promises";
import { temporaryDir } from "@fieldlog/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { projectionRows } from "./projection.js";
import { rebuildRows } from "./rebuild.js";

let folder: string;
beforeEach(async () => {
  folder = await temporaryDir();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the benchmarks of the read models, in small", { timeout: 180_000 }, () => {
  const context = () => ({
    ...{ folder, repeats: 1, seconds: 1, progress: () => undefined, signal: new AbortController().signal },
  });

  it("build one beside a plain COPY", async () => {
    const rows = await projectionRows(context(), { signals: 20_000, kinds: ["measurements"], warmUps: 0 });
    expect(rows).toMatchObject([{ name: "measurements into their tables", peer: "plain COPY" }]);
    expect(rows[0]?.value).toBeGreaterThan(0);
    expect(rows[0]?.ratio).toBeGreaterThan(0);
  });

  it("build one anew while it is read", async () => {
    const [rate, page] = await rebuildRows(context(), { events: 30_000, readsPerSecond: 20 });
    expect(rate).toMatchObject({ name: "events rebuilt while they are read", unit: "events/s" });
    expect(rate?.value).toBeGreaterThan(0);
    expect(page?.peerValue).toBeGreaterThan(0);
  });
});
