import { rm } from "node:fs/promises";
import { temporaryDir } from "@fieldlog/testkit";
import { expect, it } from "vitest";
import { scaleRows } from "./scale.js";

it("the benchmark of growth, in small", async () => {
  const folder = await temporaryDir();
  try {
    const context = { folder, repeats: 1, progress: () => undefined, signal: new AbortController().signal };
    // What devices cost is put together of the parts of the liveness benchmark, which has a test.
    const plan = { subscriptions: [1, 1_000], devices: [], events: [10_000] };
    const rows = await scaleRows(context, plan);
    expect(rows.map(({ curve, unit }) => [curve?.series, curve?.x, unit])).toEqual([
      ["an event is matched, p50", 1, "µs"],
      ["an event is matched, p99", 1, "µs"],
      ["an event is matched, p50", 1_000, "µs"],
      ["an event is matched, p99", 1_000, "µs"],
      ["each subscription", 1_000, "KiB"],
      ["projections: restart until ready", 10_000, "s"],
      ["the newest page, p99", 10_000, "ms"],
      ["a page somewhere, p99", 10_000, "ms"],
      ["the log's bytes of an event", 10_000, "B"],
      ["the tables' bytes of an event", 10_000, "B"],
    ]);
    for (const { value } of rows) expect(value).toBeGreaterThanOrEqual(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 180_000);
