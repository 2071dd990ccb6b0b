import { rm } from "node:fs/promises";
import { temporaryDir } from "@fieldlog/testkit";
import { expect, it } from "vitest";
import { websocketRows } from "./websocket.js";

it("the benchmark of boards gives figures of a few", { timeout: 180_000 }, async () => {
  const folder = await temporaryDir();
  const { signal } = new AbortController();
  const context = { folder, progress: () => undefined, seconds: 1, repeats: 1, signal };
  try {
    const rows = await websocketRows(context, {
      ...{ devices: 20, samplesPerSecond: 20, streams: 2, viewersEach: 2, warmUpMs: 200, settleMs: 0 },
    });
    expect(rows.length).toBeGreaterThan(7);
    const measured = rows.filter(({ unit }) => unit !== "KiB");
    expect(measured.every(({ value }) => value > 0)).toBe(true);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
