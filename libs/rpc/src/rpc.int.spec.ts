import { connect, createServer } from "node:net";
import { devices } from "@fieldlog/contracts";
import { createMetrics, startTracing } from "@fieldlog/runtime";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { RpcCall, ServiceImpl } from "./methods.js";
import { type RpcClientOptions, rpcClient } from "./rpc-client.js";
import { RpcError } from "./rpc-error.js";
import { RpcServer, type RpcServerOptions } from "./rpc-server.js";

const { DevicesService } = devices;
type Impl = ServiceImpl<typeof DevicesService>;
const token = "an-internal-token-of-enough-length";
const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const unused = () => Promise.reject(new Error("not called in this test"));
const none = Object.fromEntries(
  DevicesService.methods.map(({ localName }) => [localName, unused]),
) as unknown as Impl;

function isWhole(impl: Partial<Impl>): impl is Impl {
  return Object.keys(none).every((method) => method in impl);
}

async function serve(impl: Partial<Impl>, options: Partial<RpcServerOptions> = {}): Promise<RpcServer> {
  const server = new RpcServer({ address: "127.0.0.1:0", token, drainMs: 200, ...options });
  server.add(DevicesService, isWhole(impl) ? impl : { ...none, ...impl });
  await server.start();
  cleanUps.push(() => server.stop());
  return server;
}

function clientOf(port: number, options: Partial<RpcClientOptions> = {}) {
  const client = rpcClient(DevicesService, {
    address: `127.0.0.1:${port}`,
    token,
    deadlineMs: 60_000,
    ...options,
  });
  cleanUps.push(() => client.close());
  return client;
}

async function connected(port: number) {
  const client = clientOf(port);
  expect(await client.unreachable(60_000)).toBeUndefined();
  return client;
}

const echo: Partial<Impl> = {
  getDevice: async (request) => ({ device: { id: request.device, sequence: 2n ** 60n } }),
};

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("a call", () => {
  it("carries the request there and the answer back", async () => {
    const { port } = await serve(echo);
    const answer = await clientOf(port).getDevice({ namespace: "default", device: "7" });
    expect(answer.device).toMatchObject({ id: "7", sequence: 2n ** 60n });
  });

  it("keeps what the service is, so that its methods may use it", async () => {
    class Devices {
      readonly #answer = "from the instance";
      async getDevice() {
        return { device: { id: this.#answer } };
      }
    }
    const { getDevice: _, ...others } = none;
    const { port } = await serve(Object.assign(new Devices(), others));
    expect((await clientOf(port).getDevice({})).device?.id).toBe("from the instance");
  });

  it("that is refused rejects with the code, message and details of the refusal", async () => {
    const { port } = await serve({
      getDevice: async () => {
        throw new RpcError("failed_precondition", "no sensor ü", { sensor: "3", other: "ü" });
      },
    });
    await expect(clientOf(port).getDevice({})).rejects.toMatchObject({
      name: "RpcError",
      code: "failed_precondition",
      message: "no sensor ü",
      details: { sensor: "3", other: "ü" },
    });
  });

  it("that fails unforeseen tells nothing of why", async () => {
    const { port } = await serve({
      getDevice: () => {
        throw new Error("password is hunter2");
      },
    });
    const failure = await clientOf(port)
      .getDevice({})
      .catch((error) => error);
    expect(failure).toMatchObject({ code: "internal", message: "internal error" });
  });

  it("that fails in the service's own terms is refused as the service translates it", async () => {
    const { port } = await serve(
      { getDevice: () => Promise.reject(new RangeError("queue full")) },
      {
        refusal: (error) =>
          error instanceof RangeError ? new RpcError("resource_exhausted", "full") : undefined,
      },
    );
    await expect(clientOf(port).getDevice({})).rejects.toMatchObject({ code: "resource_exhausted" });
  });

  it("with details too large for a trailer is refused without them", async () => {
    const { port } = await serve({
      getDevice: () => Promise.reject(new RpcError("aborted", "busy", { much: "x".repeat(5_000) })),
    });
    await expect(clientOf(port).getDevice({})).rejects.toMatchObject({ code: "aborted", details: {} });
  });

  it("without the right token does not reach the method", async () => {
    let reached = false;
    const { port } = await serve({
      getDevice: async () => {
        reached = true;
        return {};
      },
    });
    for (const wrong of ["", ",", "another-token", `another-token,${token}`, `${token}x`]) {
      await expect(clientOf(port, { token: wrong }).getDevice({})).rejects.toMatchObject({
        code: "unauthenticated",
      });
    }
    expect(reached).toBe(false);
  });

  it("goes on while the token is exchanged: both are accepted, then the new one presented, then the old one gone", async () => {
    const next = "another-internal-token-of-its-length";
    const answer = { getDevice: async () => ({}) };
    const old = await serve(answer);
    const both = await serve(answer, { token: `${token},${next}` });
    const last = await serve(answer, { token: next });
    const gets = (port: number, presented: string) => clientOf(port, { token: presented }).getDevice({});
    for (const presented of [token, `${token},${next}`, next]) await gets(both.port, presented);
    await gets(old.port, `${token},${next}`);
    await gets(last.port, `${next},${token}`);
    await expect(gets(last.port, token)).rejects.toMatchObject({ code: "unauthenticated" });
  });

  it("of a method that is not there is refused as unimplemented, and of bytes that are no request as invalid", async () => {
    const { port } = await serve(echo);
    const raw = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    cleanUps.push(() => raw.close());
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${token}`);
    const same = (bytes: Buffer) => bytes;
    const call = (method: string) =>
      new Promise((resolve) => {
        const path = `/${DevicesService.typeName}/${method}`;
        raw.makeUnaryRequest(path, same, same, Buffer.from([0xff, 0xff, 0xff]), metadata, (error) =>
          resolve(error?.code),
        );
      });
    expect(await call("Nothing")).toBe(12);
    expect(await call("GetDevice")).toBe(3);
  });

  it("may be as large as 16 MiB, and no larger", async () => {
    const { port } = await serve(echo);
    const device = "x".repeat(15 * 1024 * 1024);
    expect((await clientOf(port).getDevice({ device })).device?.id).toHaveLength(device.length);
    await expect(clientOf(port).getDevice({ device: device + device })).rejects.toMatchObject({
      code: "resource_exhausted",
    });
  });

  it("passes the trace on", async () => {
    const traceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const seen: (string | undefined)[] = [];
    const { port } = await serve({
      getDevice: async (_, call) => {
        seen.push(call.traceParent);
        return {};
      },
    });
    await clientOf(port).getDevice({}, { traceParent });
    await clientOf(port).getDevice({});
    expect(seen).toEqual([traceParent, undefined]);

    const spans: string[] = [];
    const tracing = await startTracing(
      "test",
      { otlpEndpoint: undefined, traceRatio: 1 },
      {
        export: (batch, done) => {
          spans.push(...batch.map((span) => `${span.name} ${span.spanContext().traceId}`));
          done({ code: 0 });
        },
        shutdown: async () => {},
      },
    );
    await clientOf(port).getDevice({}, { traceParent });
    await tracing.stop();
    expect(spans).toEqual(["/fieldlog.devices.v1.DevicesService/GetDevice 4bf92f3577b34da6a3ce929d0e0e4736"]);
  });

  it("is counted on both sides by method and code", async () => {
    const metrics = createMetrics();
    const { port } = await serve(echo, { metrics });
    const client = clientOf(port, { metrics });
    await client.getDevice({});
    await client.updateDevice({}).catch(() => {});
    const text = await metrics.metrics();
    for (const side of ["server", "client"]) {
      for (const [method, code] of [
        ["GetDevice", "ok"],
        ["UpdateDevice", "internal"],
      ]) {
        expect(text).toContain(
          `fieldlog_rpc_call_seconds_count{side="${side}",service="fieldlog.devices.v1.DevicesService",method="${method}",code="${code}"} 1`,
        );
      }
    }
  });
});

describe("time", () => {
  it("a method that takes longer than the deadline", async () => {
    const { port } = await serve({ getDevice: () => new Promise(() => {}) });
    const client = await connected(port);
    await expect(client.getDevice({}, { deadlineMs: 150 })).rejects.toMatchObject({
      code: "deadline_exceeded",
    });
  });

  it("a method learns that its caller waits no more", async () => {
    let isGone: RpcCall["isGone"];
    const getDevice: Impl["getDevice"] = (_, call) => {
      ({ isGone } = call);
      return new Promise(() => {});
    };
    const { port } = await serve({ getDevice });
    const client = clientOf(port);
    const answer = client.getDevice({});
    answer.catch(() => undefined);
    await vi.waitFor(() => expect(isGone?.()).toBe(false), { timeout: 60_000 });
    client.close();
    await expect(answer).rejects.toMatchObject({ code: expect.stringMatching(/unavailable|cancelled/) });
    await vi.waitFor(() => expect(isGone?.()).toBe(true), { timeout: 60_000 });
  });

  it("a service that is not there is unavailable once the deadline has passed", async () => {
    const client = clientOf(await freePort(), { deadlineMs: 300 });
    await expect(client.getDevice({})).rejects.toMatchObject({ code: "unavailable" });
    expect(await client.unreachable(100)).toContain("DevicesService does not answer at 127.0.0.1:");
  });

  it("a service that starts later is waited for", async () => {
    const port = await freePort();
    const answer = clientOf(port).getDevice({ device: "7" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await serve(echo, { address: `127.0.0.1:${port}` });
    expect((await answer).device?.id).toBe("7");
    expect(await clientOf(port).unreachable(20_000)).toBeUndefined();
  });

  it("a service that starts again is called again by the same client", async () => {
    const first = await serve(echo);
    const client = clientOf(first.port);
    await client.getDevice({ device: "1" });
    await first.stop();
    const later = client.getDevice({ device: "2" });
    await serve(echo, { address: `127.0.0.1:${first.port}` });
    expect((await later).device?.id).toBe("2");
  });

  it("stopping lets a call under way finish, and takes no new connection", async () => {
    let finish = () => {};
    const reached = new Promise<void>((resolve) => {
      echo.getDevice = async () => {
        resolve();
        await new Promise<void>((done) => {
          finish = done;
        });
        return { device: { id: "late" } };
      };
    });
    const server = await serve(echo, { drainMs: 60_000 });
    const { port } = server;
    const answer = clientOf(port).getDevice({});
    await reached;
    const stopped = server.stop();
    await expect(
      new Promise((resolve, reject) =>
        connect(port, "127.0.0.1", () => resolve("open")).once("error", reject),
      ),
    ).rejects.toThrow("ECONNREFUSED");
    finish();
    expect((await answer).device?.id).toBe("late");
    await stopped;
  });

  it("stopping cuts off what does not finish", async () => {
    let reach = () => {};
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    const server = await serve({
      getDevice: () => {
        reach();
        return new Promise(() => {});
      },
    });
    const outcome = clientOf(server.port)
      .getDevice({})
      .catch((error: RpcError) => error.code);
    await reached;
    await server.stop();
    expect(["unavailable", "cancelled"]).toContain(await outcome);
  });

  it("an address that is taken rejects the start and names it", async () => {
    const { port } = await serve(echo);
    await expect(serve(echo, { address: `127.0.0.1:${port}` })).rejects.toThrow(
      `cannot listen on 127.0.0.1:${port}`,
    );
  });
});
