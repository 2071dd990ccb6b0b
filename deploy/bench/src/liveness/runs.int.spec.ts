import { rm } from "node:fs/promises";
import { temporaryDir } from "@fieldlog/testkit";
import { expect, it } from "vitest";
import { livenessRows } from "./liveness.js";

it("the benchmark of liveness gives figures of a small fleet", { timeout: 180_000 }, async () => {
  const folder = await temporaryDir();
  const context = { folder, progress: () => undefined, seconds: 1, signal: new AbortController().signal };
  try {
    const rows = await livenessRows(context, {
      many: { namespace: "many", devices: 3_000, inactiveAfterS: 86_400 },
      silent: { namespace: "silent", devices: 50, inactiveAfterS: 2 },
      beatsPerS: 100,
    });
    expect(rows).toHaveLength(8);
    expect(rows.every(({ value }) => value > 0)).toBe(true);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
