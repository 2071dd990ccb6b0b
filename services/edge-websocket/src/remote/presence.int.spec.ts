import { randomUUID } from "node:crypto";
import { connectLog, type EventLog } from "@fieldlog/event-log";
import { RemoteDevices, RemoteHost } from "@fieldlog/remote";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Presence } from "./presence.js";

let servers: TestServers;
const logs: EventLog[] = [];

beforeAll(async () => {
  servers = await startServers();
  for (const name of ["one", "two"]) logs.push(await connectLog({ url: servers.nats.url, name }));
});
afterAll(async () => {
  for (const log of logs) await log.close();
  await servers?.stop();
});

const edges = () => logs.map((log) => new Presence(new RemoteHost(log.connection)));

/** Lets a connection of the device come to an edge. */
async function come(edge: Presence | undefined, device: string, connectedAt: number) {
  const connection = randomUUID();
  const came = { connection, replaced: false, leave: () => undefined as unknown };
  const held = { namespace: "n", device, connection, connectedAt };
  const answer = () => ({ status: { connection } });
  came.leave =
    (await edge?.enter(held, {
      replaced: () => {
        came.replaced = true;
        came.leave();
      },
      removed: () => undefined,
      disabled: () => undefined,
      answer,
    })) ?? came.leave;
  if (came.replaced) came.leave();
  return came;
}

describe("a device that connects to one edge and then to another", () => {
  it("stays with the newer connection, which is the one that answers", async () => {
    const [one, two] = edges();
    const asking = new RemoteDevices(logs[0]?.connection as never);
    const before = await come(one, "d", 1_000);
    const after = await come(two, "d", 2_000);
    await until("the older one is replaced", () => before.replaced);
    expect((await asking.status("n", "d"))?.connection).toBe(after.connection);
    expect([after.replaced, one?.size, two?.size]).toEqual([false, 0, 1]);
    after.leave();
    await until("it is gone", async () => (await asking.status("n", "d")) === undefined);
  });

  it("at the same moment as well, however often it does so", async () => {
    const [one, two] = edges();
    for (let i = 0; i < 50; i++) {
      const device = `d${i}`;
      const both = await Promise.all([come(one, device, 1_000 + (i % 3)), come(two, device, 1_001)]);
      await until("one is replaced", () => both.some(({ replaced }) => replaced));
      expect(both.filter(({ replaced }) => replaced)).toHaveLength(1);
    }
    expect((one?.size ?? 0) + (two?.size ?? 0)).toBe(50);
  });
});
