import { rm } from "node:fs/promises";
import { temporaryDir } from "@fieldlog/testkit";
import { expect, it } from "vitest";
import { scaleRows } from "./scale.js";

it("the benchmark of growth, in small", async () => {
  const folder = await temporaryDir();
  try {
    const context = { folder, repeats: 1, progress: () => undefined, signal: new AbortController().signal };
    const plan = { subscriptions: [1, 1_000], devices: [100], events: [1_000, 10_000] };
    const rows = await scaleRows(context, plan);
    expect(rows.map(({ curve, unit }) => [curve?.series, curve?.x, unit])).toEqual([
      ["an event is matched, p50", 1, "µs"],
      ["an event is matched, p99", 1, "µs"],
      ["an event is matched, p50", 1_000, "µs"],
      ["an event is matched, p99", 1_000, "µs"],
      ["each subscription", 1_000, "KiB"],
      ["liveness: resident memory", 100, "MiB"],
      ["liveness: restart until ready", 100, "s"],
      ...[1_000, 10_000].flatMap((x) => [
        ["projections: restart until ready", x, "s"],
        ["the newest page, p99", x, "ms"],
        ["a page somewhere, p99", x, "ms"],
      ]),
      ["the log's bytes of an event", 10_000, "B"],
      ["the tables' bytes of an event", 10_000, "B"],
    ]);
    for (const { value } of rows) expect(value).toBeGreaterThanOrEqual(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 180_000);
