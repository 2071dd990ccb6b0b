import { SOON_MS, startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bytes, dateOf, fieldsOf, pick, statusOf } from "./csn/hand.fixture.js";
import { type Edge, Neighbours, signalsIn, startEdge } from "./edge.fixture.js";

const DATASTORE_ERROR = 5;
const UNKNOWN_CLIENT = 3;
let servers: TestServers;
let neighbours: Neighbours;
let edge: Edge;

beforeAll(async () => {
  servers = await startServers();
  neighbours = await Neighbours.start(servers.nats.url);
  edge = await startEdge(servers.nats.url, neighbours);
});
afterAll(async () => {
  await edge?.stop();
  await neighbours?.stop();
  await servers?.stop();
});

async function post(path: string, body: Uint8Array) {
  const response = await fetch(`${edge.url}/api/v1/test/${path}`, {
    method: "POST",
    body: body as Uint8Array<ArrayBuffer>,
  });
  const answer = new Uint8Array(await response.arrayBuffer());
  const retryAfter = response.headers.get("retry-after");
  return { status: response.status, retryAfter, body: answer, csn: statusOf(answer) };
}

async function register() {
  const id = (await post("client/create", bytes([0x12, 2, 0x10, 0]))).body;
  const fields = fieldsOf(id);
  return {
    id: String(fields.find(({ field }) => field === 2)?.value),
    secret: Buffer.from(fields.find(({ field }) => field === 3)?.value as Uint8Array).toString(),
  };
}

it("refuses with Retry-After while NATS is away, keeps nothing, and recovers by itself", async () => {
  const { id, secret } = await register();
  const message = (n: number) => pick({ id: n, secret, date: dateOf(Date.now()) });
  expect((await post(`event/${id}`, message(0))).status).toBe(200);
  await servers.nats.kill();
  const refused = message(1);
  const away = await post(`event/${id}`, refused);
  expect([away.status, away.csn.type]).toEqual([503, DATASTORE_ERROR]);
  expect(Number(away.retryAfter)).toBeGreaterThan(0);
  await until("not ready", async () => (await fetch(`${edge.url}/readyz`)).status === 503);

  await servers.nats.start();
  await until("taken again", async () => (await post(`event/${id}`, refused)).status === 200);
  await until("ready", async () => (await fetch(`${edge.url}/readyz`)).status === 200);
  await until("the test's own connection is back", async () => (await neighbours.log.ready()) === undefined);
  const identities = (await signalsIn(neighbours.log, "test")).map(({ identity }) => identity.split("/")[0]);
  expect([...new Set(identities)]).toEqual(["0", "1"]);
});

it("no longer lets in a device or an API key a second after it was revoked", async () => {
  const { id, secret } = await register();
  let next = 0;
  const send = () => post(`event/${id}`, pick({ id: next++, secret, date: dateOf(Date.now()) }));
  expect((await send()).status).toBe(200);
  await neighbours.revokeDevice("test", id);
  const revokedAt = Date.now();
  await until("the device is refused", async () => (await send()).csn.type === UNKNOWN_CLIENT);
  expect(Date.now() - revokedAt).toBeLessThan(SOON_MS);

  neighbours.addKey("fl_reader", "read", "test");
  const read = () =>
    fetch(`${edge.url}/v1/namespaces/other/events`, { headers: { authorization: "Bearer fl_reader" } });
  expect((await read()).status).toBe(403);
  await neighbours.revokeKey("fl_reader");
  const keyRevokedAt = Date.now();
  await until("the key is refused", async () => (await read()).status === 401);
  expect(Date.now() - keyRevokedAt).toBeLessThan(SOON_MS);
});

it("misses no revocation that was decided while its own connection was interrupted", async () => {
  const { id, secret } = await register();
  let next = 0;
  const send = () => post(`event/${id}`, pick({ id: next++, secret, date: dateOf(Date.now()) }));
  expect((await send()).status).toBe(200);
  await servers.nats.kill();
  neighbours.credentials.delete(`test/${id}`);
  await servers.nats.start();
  await until("decided", async () => {
    await neighbours.revokeDevice("test", id);
    return true;
  });
  await until("the device is refused", async () => (await send()).csn.type === UNKNOWN_CLIENT);
});

it("asks once for a device that many messages come from at once", async () => {
  const { id, secret } = await register();
  const before = neighbours.calls["getDevice"] ?? 0;
  const all = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      post(`event/${id}`, pick({ id: n, secret, date: dateOf(Date.now()) })),
    ),
  );
  expect(all.map(({ status }) => status)).toEqual(Array(40).fill(200));
  expect((neighbours.calls["getDevice"] ?? 0) - before).toBe(1);
});

it("refuses for a while, and with the same answer as for the log, when nobody knows the devices", async () => {
  const { id, secret } = await register();
  const lonely = await startEdge(servers.nats.url, { address: "127.0.0.1:1" });
  try {
    const response = await fetch(`${lonely.url}/api/v1/test/event/${id}`, {
      method: "POST",
      body: pick({ id: 0, secret, date: dateOf(Date.now()) }) as Uint8Array<ArrayBuffer>,
    });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(statusOf(new Uint8Array(await response.arrayBuffer())).type).toBe(DATASTORE_ERROR);
  } finally {
    await lonely.stop();
  }
});
