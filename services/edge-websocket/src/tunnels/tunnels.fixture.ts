import { createHash, randomBytes } from "node:crypto";
import type { DeviceClient } from "@fieldlog/device-client";
import { type System, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Api, Json } from "../client.fixture.js";
import { Operator, serveTcp, startDevice, tokenIn, type withTls } from "./tunnelled.fixture.js";

/** A system with two edges, at which devices come in by TLS. */
export interface Started {
  readonly system: System;
  readonly api: Api;
  readonly tls: Awaited<ReturnType<typeof withTls>>;
  readonly otherUrl: string;
}

const DEVICE = "hut-1";
const MIB = 1024 * 1024;

/** What a tunnel does, from an operator at one edge to a device at the other. */
export function tunnels(started: () => Started): void {
  let echo: Awaited<ReturnType<typeof serveTcp>>;
  const devices: DeviceClient[] = [];

  beforeAll(async () => {
    const { api, system, tls } = started();
    echo = await serveTcp((socket) => {
      socket.pipe(socket);
    });
    await api.call("PATCH", "namespaces/test/settings", { remoteAccess: true });
    const ports = [echo.port, 1];
    devices.push(await startDevice(system, tls, DEVICE, { allowRemoteAccess: { ports } }));
    devices.push(await startDevice(system, tls, "shut-1", {}));
    await until("it is connected", async () => (await requested(echo.port)).status === 201);
  });
  afterAll(async () => {
    await Promise.all(devices.map((device) => device.close()));
    echo?.server.close();
    await started().api.call("PATCH", "namespaces/test/settings", { remoteAccess: false });
  });

  const requested = (port: number, device = DEVICE) =>
    started().api.call("POST", `namespaces/test/devices/${device}/tunnels`, { port });
  /** The operator is at one edge, and the device is sent to the other. */
  const operator = (token: string) => {
    const { system, otherUrl } = started();
    return new Operator(`${system.wsUrl}/v1/tunnels?token=${token}`, { host: new URL(otherUrl).host });
  };
  const opened = async (port: number, device = DEVICE) => {
    const { status, json } = await requested(port, device);
    expect(status).toBe(201);
    return { id: String(json["id"]), token: tokenIn(json), operator: operator(tokenIn(json)) };
  };
  const told = async (name: string, tunnel: string) => {
    const { json } = await started().api.call(
      ...(["GET", `namespaces/test/events?device=${DEVICE}&type=${name}&limit=1000`] as const),
    );
    return (json["events"] as { data: Json }[])
      .map(({ data }) => data)
      .filter((data) => data["tunnel"] === tunnel);
  };

  it("carries bytes both ways in order, until both sides have ended, and is told once", async () => {
    const { id, operator } = await opened(echo.port);
    const bytes = randomBytes(MIB);
    for (let at = 0; at < MIB; at += 50_000) await operator.send(bytes.subarray(at, at + 50_000));
    await operator.end();
    expect(await operator.closing()).toEqual({ code: 1_000, reason: "both sides have ended" });
    const digest = (data: Buffer) => createHash("sha256").update(data).digest("hex");
    expect([operator.got.length, operator.ended]).toEqual([MIB, true]);
    expect(digest(operator.got)).toBe(digest(bytes));
    await until("its end is told", async () => (await told("TunnelClosed", id)).length > 0);
    const all = await Promise.all(["Requested", "Opened", "Closed"].map((what) => told(`Tunnel${what}`, id)));
    expect(all).toMatchObject([
      [{ port: echo.port, by: expect.stringMatching(/^key:/) }],
      [{ by: expect.stringMatching(/^key:/) }],
      [{ reason: "both sides have ended", bytesToDevice: MIB, bytesFromDevice: MIB }],
    ]);
  });

  it("holds back a side whose other side does not read, and ends with either", async () => {
    const { operator } = await opened(echo.port);
    await operator.send(Buffer.from("begin"));
    await until("it is there", () => operator.got.length === 5);
    operator.pause();
    const bytes = randomBytes(4 * MIB);
    for (let at = 0; at < bytes.length; at += MIB) await operator.send(bytes.subarray(at, at + MIB));
    operator.resume();
    await until("all came", () => operator.got.length === 5 + bytes.length);
    expect(operator.got.subarray(5).equals(bytes)).toBe(true);

    operator.close();
    await until("its connection ends", async () => (await connections(echo)) === 0);
  });

  it("opens once, with a URL that was made for it", async () => {
    const { token, operator: first } = await opened(echo.port);
    await first.send(Buffer.from("hello"));
    await until("it is there", () => first.got.length === 5);
    for (const wrong of [token, "", "made-up", `${token.slice(0, -1)}_`]) {
      expect(await operator(wrong).closing()).toMatchObject({ code: 4_401 });
    }
    const { system } = started();
    for (const wrong of ["", "x", `${crypto.randomUUID()}.${"a".repeat(43)}`]) {
      const device = new Operator(`${system.wsUrl}/v1/tunnels/device?token=${wrong}`);
      expect(await device.closing()).toMatchObject({ code: 4_401 });
    }
    expect(first.closed).toBeUndefined();
    first.close();
  });

  it("goes by TLS on both ways when its operator comes by it", async () => {
    const { system, tls } = started();
    const { json } = await requested(echo.port);
    const [door] = Object.values(system.processes).filter(({ wsUrl }) => wsUrl === system.wsUrl);
    const url = `${door?.wssUrl}/v1/tunnels?token=${tokenIn(json)}`;
    const operator = new Operator(url, { ca: tls.ca });
    await operator.send(Buffer.from("hello"));
    await until("it is echoed", () => operator.got.toString() === "hello");
    await operator.end();
    expect(await operator.closing()).toMatchObject({ code: 1_000 });
    expect(await new Operator(url).closing()).toMatchObject({ code: 1_006 });
  });

  it("says why the device does not come", async () => {
    const closings = await Promise.all(
      [await opened(1), await opened(2), await opened(22, "shut-1")].map(({ operator }) =>
        operator.closing(),
      ),
    );
    expect(closings).toMatchObject([
      { code: 4_502, reason: expect.stringContaining("Port 1 cannot be reached") },
      { code: 4_502, reason: "the device failed: Port 2 is not open to remote access" },
      { code: 4_501, reason: "the device takes no remote access" },
    ]);
  });

  it("is for keys with permission admin of its own namespace, by the dialect's path too", async () => {
    const { api, system } = started();
    const path = `/workspaces/test/devices/${DEVICE}/remote-access/ports/${echo.port}/secure-uri`;
    const ask = (key: string, at = path) =>
      fetch(`${system.url}${at}`, { method: "POST", headers: { authorization: `Bearer ${key}` } });
    expect((await ask((await api.key("write")).key)).status).toBe(403);
    const { json: other } = await api.call("POST", "namespaces/default/api-keys", {
      ...{ kind: "native", permission: "admin" },
    });
    expect((await ask(String(other["key"]))).status).toBe(403);
    expect((await ask(system.adminKey, path.replace("test", "default"))).status).toBe(404);
    expect((await ask(system.adminKey, path.replace(String(echo.port), "70000"))).status).toBe(400);
    const own = await api.key("admin");
    const answer = await ask(own.key);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
    const first = operator(tokenIn((await answer.json()) as Json));
    await first.send(Buffer.from("hello"));
    await until("it is there", () => first.got.length === 5);
    await api.call("DELETE", `namespaces/test/api-keys/${own.id}`);
    expect(await first.closing()).toEqual({ code: 4_401, reason: "the API key was revoked" });
  });

  it("ends when the namespace does not allow it any more, or is disabled", async () => {
    const { api } = started();
    const there = async () => {
      const { operator } = await opened(echo.port);
      await operator.send(Buffer.from("hello"));
      await until("it is there", () => operator.got.length === 5);
      return operator;
    };
    const settings = (remoteAccess: boolean) =>
      api.call("PATCH", "namespaces/test/settings", { remoteAccess });
    const [first, { token }] = [await there(), { token: tokenIn((await requested(echo.port)).json) }];
    await settings(false);
    expect(await first.closing()).toMatchObject({ code: 4_403 });
    expect(await operator(token).closing()).toMatchObject({ code: 4_403 });
    expect((await requested(echo.port)).status).toBe(403);
    await settings(true);
    const second = await there();
    await api.call("POST", "namespaces/test/disable", { reason: "a test" });
    expect(await second.closing()).toEqual({ code: 4_423, reason: "the namespace is disabled" });
    expect((await requested(echo.port)).status).toBe(423);
    await api.call("POST", "namespaces/test/enable", {});
  });
}

function connections({ server }: Awaited<ReturnType<typeof serveTcp>>): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}
