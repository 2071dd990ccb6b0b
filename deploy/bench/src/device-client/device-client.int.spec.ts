import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { deviceClientRows } from "./device-client.js";

// The processes run what is built.
const scripts = new URL("../../dist/device-client/", import.meta.url);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fieldlog-bench-device-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("measures a device that stores, sends and waits, and loses nothing", async () => {
  const context = { folder, repeats: 1, progress: () => undefined, signal: new AbortController().signal };
  const rows = await deviceClientRows(context, { messages: 2_000, waiting: 2_000, scripts });
  expect(rows.map(({ unit }) => unit)).toEqual(["messages/s", "messages/s", ...Array(4).fill("MiB")]);
  for (const { value } of rows) expect(value).toBeGreaterThan(0);
});
