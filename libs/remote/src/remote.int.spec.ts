import { connectLog, type EventLog } from "@fieldlog/event-log";
import { startServers, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Pictures } from "./pictures.js";
import { RemoteDevices } from "./remote-devices.js";
import { RemoteHost } from "./remote-host.js";
import { awaitJoin, joinTunnel } from "./tunnel-join.js";
import { type TunnelFrame, TunnelWire } from "./tunnel-wire.js";

let servers: TestServers;
let one: EventLog;
let two: EventLog;

beforeAll(async () => {
  servers = await startServers();
  one = await connectLog({ url: servers.nats.url, name: "one" });
  two = await connectLog({ url: servers.nats.url, name: "two" });
});
afterAll(async () => {
  await one?.close();
  await two?.close();
  await servers?.stop();
});

const held = (device: string, connection = "c1") => ({
  ...{ namespace: "n", device, connection, connectedAt: 1 },
});

describe("a device", () => {
  it("is connected as long as an edge holds it", async () => {
    const devices = new RemoteDevices(two.connection);
    const device = "15:FE:90 a.b*>";
    expect(await devices.status("n", device)).toBeUndefined();
    const release = new RemoteHost(one.connection).hold(held(device), () => ({
      status: { connection: "c1" },
    }));
    const status = await until("it is seen", async () => await devices.status("n", device));
    expect(status.connection).toBe("c1");
    expect(await devices.status("other", device)).toBeUndefined();
    release();
    await until("it is gone", async () => (await devices.status("n", device)) === undefined);
  });

  it("is not connected any more when its edge is gone", async () => {
    const edge = await connectLog({ url: servers.nats.url, name: "edge" });
    new RemoteHost(edge.connection).hold(held("d2"), () => ({ status: {} }));
    const devices = new RemoteDevices(two.connection);
    await until("it is seen", async () => (await devices.status("n", "d2")) !== undefined);
    await edge.close();
    await until("it is gone", async () => (await devices.status("n", "d2")) === undefined);
  });

  it("refuses with what its edge raises", async () => {
    new RemoteHost(one.connection).hold(held("d3"), () => {
      throw new Error("no camera");
    });
    const devices = new RemoteDevices(two.connection);
    const answer = await until("it answers", async () => {
      return await devices.ask("n", "d3", { case: "stopSnapshots", value: {} });
    });
    expect(answer.refused).toBe("no camera");
  });

  it("that comes to another edge is announced to the one before", async () => {
    const heard: string[] = [];
    const note = (edge: string) => (request: { case: string | undefined; value?: unknown }) => {
      if (request.case === "replaced")
        heard.push(`${edge} ${(request.value as { connection: string }).connection}`);
      return {};
    };
    new RemoteHost(one.connection).hold(held("d4", "c1"), note("one"));
    await until("the first is there", () => heard.includes("one c1"));
    new RemoteHost(two.connection).hold(held("d4", "c2"), note("two"));
    await until("the first was told", () => heard.includes("one c2"));
    expect(heard).not.toContain("two c1");
  });
});

describe("pictures", () => {
  it("reach those who look, and nobody else", async () => {
    const seen: string[] = [];
    const devices = new RemoteDevices(two.connection);
    const stop = devices.watchFrames("n", "d5", (jpeg) => seen.push(Buffer.from(jpeg).toString()));
    await two.connection.flush();
    const host = new RemoteHost(one.connection);
    host.show("n", "d6", Buffer.from("other"));
    host.show("n", "d5", Buffer.from("picture"));
    await until("it came", () => seen.length > 0);
    stop();
    await two.connection.flush();
    host.show("n", "d5", Buffer.from("too late"));
    await one.connection.flush();
    await two.connection.flush();
    expect(seen).toEqual(["picture"]);
  });

  it("are wished for by each door where somebody looks, and by none where nobody does", async () => {
    const wishes = new Set<string>();
    const host = new RemoteHost(one.connection);
    host.hold(held("d7"), ({ case: name, value }) => {
      const { viewer } = (value ?? {}) as { viewer: string };
      if (name === "wantSnapshots") wishes.add(viewer);
      if (name === "stopSnapshots") wishes.delete(viewer);
      return { status: { snapshotsStreaming: true } };
    });
    const seen = { here: 0, there: 0 };
    const look = (name: keyof typeof seen, log: EventLog) =>
      new Pictures(new RemoteDevices(log.connection), Date.now).watch(
        { namespace: "n", device: "d7" },
        "low",
        { show: () => seen[name]++, ended: () => undefined },
      );
    const leaves = [look("here", one), look("there", two)];
    await until("two doors wish", () => wishes.size === 2);
    await until("both see", () => {
      host.show("n", "d7", Buffer.from("picture"));
      return seen.here > 0 && seen.there > 0;
    });
    for (const leave of leaves) leave();
    await until("nobody wishes", () => wishes.size === 0);
  });
});

describe("a tunnel", () => {
  it("lets the first in who knows its secret, at another edge, as long as its operator is there", async () => {
    const tunnel = crypto.randomUUID();
    const joins: string[] = [];
    const of = { namespace: "n", device: "d", tunnel, secret: "right" };
    expect(await joinTunnel(two.connection, tunnel, "right")).toBeUndefined();
    const letGo = awaitJoin(one.connection, of, () => joins.push("joined"));
    await one.connection.flush();
    expect(await joinTunnel(two.connection, tunnel, "wrong")).toBeUndefined();
    expect(await joinTunnel(two.connection, tunnel, "right")).toEqual({ namespace: "n", device: "d" });
    expect(await joinTunnel(two.connection, tunnel, "right")).toBeUndefined();
    expect(joins).toEqual(["joined"]);
    letGo();
  });

  it("carries frames from one end to the other, and to no other tunnel", async () => {
    const tunnel = crypto.randomUUID();
    const [operator, device] = [
      new TunnelWire(one.connection, tunnel, "operator"),
      new TunnelWire(two.connection, tunnel, "device"),
    ];
    const [there, back, elsewhere]: TunnelFrame[][] = [[], [], []];
    await operator.listen((frame) => back?.push(frame));
    await device.listen((frame) => there?.push(frame));
    const other = new TunnelWire(two.connection, crypto.randomUUID(), "device");
    await other.listen((frame) => elsewhere?.push(frame));
    const plain = { sent: 2 ** 40, taken: 3, data: new Uint8Array([1, 2]), ended: true, closing: undefined };
    operator.send(plain);
    device.send({ ...plain, data: new Uint8Array(), closing: { code: 4_409, reason: "no" } });
    await until("both came", () => there?.length === 1 && back?.length === 1);
    expect(there?.map(({ data, ...rest }) => ({ ...rest, data: [...data] }))).toEqual([
      { ...plain, data: [1, 2] },
    ]);
    expect(back).toMatchObject([{ ended: true, closing: { code: 4_409, reason: "no" } }]);
    expect(elsewhere).toEqual([]);
    for (const wire of [operator, device, other]) wire.stop();
  });
});
