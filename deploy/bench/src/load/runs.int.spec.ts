import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { closedRun } from "./closed-run.js";
import { HoldRun } from "./hold-run.js";
import { openRun } from "./open-run.js";
import { RequestMaker } from "./requests.js";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that answers the n-th request as `answer` does; and what it got. */
async function serverThat(answer: (response: ServerResponse, count: number) => void) {
  const got = { requests: 0 };
  server = createServer((request, response) => {
    request.resume().on("end", () => answer(response, ++got.requests));
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return { to: { host: "127.0.0.1", port: (server.address() as AddressInfo).port }, got };
}

const ok = (response: ServerResponse) => response.writeHead(200, { "content-length": 0 }).end();
const devices = [{ clientId: "1", secret: "s", sensorId: "0" }];
const lists = (connections: number, requests: number) =>
  new RequestMaker(devices, "default").make(connections, requests, Date.now());

describe("closedRun", () => {
  it("counts every answer once", async () => {
    const { to, got } = await serverThat(ok);
    const order = { kind: "closed", to, warmUpMs: 20, measureMs: 200, again: true } as const;
    const report = await closedRun(order, lists(4, 40));
    expect(report).toMatchObject({ acknowledged: got.requests, failures: {}, open: 4, ranOut: false });
    expect(report.perSecond).toBeGreaterThan(0);
    expect(report.p99Ms).toBeGreaterThanOrEqual(report.p50Ms);
  });

  it("ends when the requests do, and says so", async () => {
    const { to } = await serverThat(ok);
    const order = { kind: "closed", to, warmUpMs: 0, measureMs: 60_000, again: false } as const;
    const report = await closedRun(order, lists(2, 20));
    expect(report.ranOut).toBe(true);
    expect(report.acknowledged).toBeLessThanOrEqual(20);
  });

  it("reports other answers and broken connections", async () => {
    const { to } = await serverThat((response, count) => {
      if (count === 3) response.writeHead(503, { "content-length": 0 }).end();
      else if (count === 5) response.destroy();
      else ok(response);
    });
    const order = { kind: "closed", to, warmUpMs: 0, measureMs: 100, again: true } as const;
    const { failures } = await closedRun(order, lists(2, 20));
    expect(failures["HTTP 503"]).toBe(1);
    expect(Object.values(failures).reduce((sum, count) => sum + count, 0)).toBe(2);
  });
});

describe("openRun", () => {
  it("keeps the rate", async () => {
    const { to, got } = await serverThat(ok);
    const order = { kind: "open", to, perSecond: 500, warmUpMs: 0, measureMs: 400 } as const;
    const report = await openRun(order, lists(4, 400));
    expect(got.requests).toBe(200);
    expect(report).toMatchObject({ acknowledged: 200, failures: {}, ranOut: false });
  });

  it("counts a stall for every request that was due meanwhile", async () => {
    let stalledUntil = 0;
    const { to } = await serverThat((response, count) => {
      const now = performance.now();
      if (count === 50) stalledUntil = now + 300;
      setTimeout(() => ok(response), Math.max(0, stalledUntil - now));
    });
    const order = { kind: "open", to, perSecond: 500, warmUpMs: 0, measureMs: 300 } as const;
    const report = await openRun(order, lists(2, 400));
    expect(report).toMatchObject({ acknowledged: 150, failures: {} });
    // Only two requests were under way during the stall, but a hundred were due.
    expect(report.p50Ms).toBeGreaterThan(50);
    expect(report.maxMs).toBeGreaterThan(250);
  });
});

describe("HoldRun", () => {
  it("keeps connections open after a request each", async () => {
    const { to, got } = await serverThat(ok);
    const held = new HoldRun();
    const started = await held.start({ kind: "hold", to }, lists(100, 100));
    expect(started).toMatchObject({ acknowledged: 100, open: 100, failures: {} });
    expect(got.requests).toBe(100);
    expect(held.release().open).toBe(100);
  });

  it("notices connections that the server closed", async () => {
    const { to } = await serverThat(ok);
    const held = new HoldRun();
    await held.start({ kind: "hold", to }, lists(5, 5));
    server?.closeAllConnections();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(held.release().open).toBe(0);
  });
});
