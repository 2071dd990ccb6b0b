import { rm } from "node:fs/promises";
import { join } from "node:path";
import { freePort, type RunningNats, startNats } from "@fieldlog/servers";
import { temporaryDir, until } from "@fieldlog/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { connectLog } from "./event-log.js";

let dataDir: string;
let server: RunningNats | undefined;
let waits: { reason: string; message: string }[];
const logger = {
  info: () => undefined,
  warn: (fields: object, message: string) => {
    waits.push({ ...(fields as { reason: string }), message });
  },
};

beforeEach(async () => {
  dataDir = await temporaryDir();
  waits = [];
});
afterEach(async () => {
  await server?.stop();
  server = undefined;
  await rm(dataDir, { recursive: true, force: true });
});

it("says what it waits for, and goes on once the server is there", async () => {
  const port = await freePort();
  const url = `nats://fieldlog:secret@127.0.0.1:${port}`;
  const connecting = connectLog({ url, name: "test", logger });
  await until("it says that it waits", () => waits.length > 0);
  expect(waits[0]).toEqual({
    reason: expect.stringContaining("refused"),
    message: `waiting for NATS at nats://127.0.0.1:${port}`,
  });
  server = await startNats({ dataDir: join(dataDir, "nats"), port, password: "secret" });
  const log = await connecting;
  await log.close();
  expect(JSON.stringify(waits)).not.toContain("secret");
});

it("says that its password is refused", async () => {
  server = await startNats({ dataDir: join(dataDir, "nats"), password: "right" });
  const connecting = connectLog({ url: server.url.replace("right", "wrong"), name: "test", logger });
  await until("it says that it waits", () => waits.length > 0);
  expect(waits[0]?.reason).toMatch(/authorization violation/i);
  // The server that takes it comes up in its place.
  const { port } = new URL(server.url);
  await server.stop();
  server = await startNats({ dataDir: join(dataDir, "nats"), port: Number(port), password: "wrong" });
  await (await connecting).close();
});
