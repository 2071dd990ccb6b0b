import { afterEach, beforeEach, expect, test } from "vitest";
import { broadcastServer } from "./broadcast.js";
import { delivery, EVENT } from "./event.js";
import { Client } from "./runs.js";
import { hello, publisher } from "./stage.js";

let server: Awaited<ReturnType<typeof broadcastServer>>;
let client: Client;
const run = { event: EVENT, payloadBytes: 0, warmUpMs: 20, measureMs: 200 };

beforeEach(async () => {
  server = await broadcastServer(delivery());
  client = new Client();
});
afterEach(async () => {
  await client.obey({ kind: "close" });
  server.stop();
});

const connect = (subscribers: number) =>
  client.obey({
    ...{ kind: "connect", wire: "websocket", to: { host: "127.0.0.1", port: server.port } },
    subscribers: Array.from({ length: subscribers }, () => ({ hello: hello({}) })),
    publishers: [publisher(), publisher()],
  });

test("every event is counted at every subscriber", async () => {
  await connect(20);
  const { published, deliveries, perSecond, failures } = await client.obey({
    ...run,
    kind: "flood",
    window: 3,
  });
  expect(failures).toEqual({});
  expect([published > 3, deliveries, perSecond > 0]).toEqual([true, published * 20, true]);
});

test("it is a failure when events reach whom they are not for", async () => {
  await connect(3);
  const { failures } = await client.obey({ ...run, kind: "paced", perSecond: 100, places: 3 });
  expect(Object.keys(failures)).toEqual([expect.stringMatching(/^\d+ deliveries instead of \d+$/)]);
});

test("it is a failure when the server goes away", async () => {
  await connect(3);
  const running = client.obey({ ...run, measureMs: 2_000, kind: "flood", window: 3 });
  server.stop();
  expect((await running).failures).toMatchObject({ "the server closed the connection": expect.any(Number) });
}, 30_000);

test("a server that refuses is told", async () => {
  const to = { host: "127.0.0.1", port: server.port };
  server.stop();
  const order = {
    kind: "connect",
    wire: "websocket",
    to,
    subscribers: [{ hello: "" }],
    publishers: [],
  } as const;
  await expect(client.obey(order)).rejects.toThrow("ECONNREFUSED");
});
