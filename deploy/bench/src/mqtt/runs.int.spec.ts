import type { AddressInfo, Socket } from "node:net";
import { createServer, type Server } from "node:net";
import { Aedes } from "aedes";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { anonymousLanes } from "./fleet.js";
import { together } from "./load.js";
import { endOf, shareOf, slotOf } from "./orders.js";
import { closedRun, HoldRun, openRun } from "./runs.js";

let broker: Aedes;
let server: Server;
let sockets: Socket[];
let published: number;
const run = (connections: number) => ({
  to: { host: "127.0.0.1", port: (server.address() as AddressInfo).port },
  ...{ lanes: anonymousLanes(connections), window: 5 },
});

beforeEach(async () => {
  published = 0;
  sockets = [];
  broker = await Aedes.createBroker({
    authorizePublish: (client, packet, done) => {
      if (client && packet.topic.endsWith("/bench")) published++;
      done(null);
    },
  });
  server = createServer((socket) => {
    sockets.push(socket);
    broker.handle(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  server.close();
  broker.close();
});

describe("runs against a broker", () => {
  it("closed: counts every acknowledgement once, and leaves none open", async () => {
    const report = await closedRun({ ...run(4), kind: "closed", warmUpMs: 20, measureMs: 200 });
    expect(report).toMatchObject({ acknowledged: published, failures: {}, open: 4 });
    expect(report.perSecond).toBeGreaterThan(0);
  });

  it("open: sends at the rate that was asked", async () => {
    const order = { ...run(3), kind: "open", perSecond: 500, warmUpMs: 0, measureMs: 400 } as const;
    const report = await openRun(order);
    expect(report).toMatchObject({ acknowledged: published, failures: {}, open: 3 });
    expect(published).toBeGreaterThanOrEqual(195);
    expect(published).toBeLessThanOrEqual(205);
    expect(report.times.reduce((sum, count) => sum + count, 0)).toBe(published);
  });

  it("hold: tells which connections the broker gave up", async () => {
    const hold = new HoldRun();
    expect(await hold.start({ ...run(10), kind: "hold" })).toMatchObject({ open: 10 });
    for (const socket of sockets.slice(0, 3)) socket.destroy();
    const broken = () => Object.values(hold.report().failures).reduce((sum, count) => sum + count, 0);
    await expect.poll(broken).toBe(3);
    expect(hold.release().open).toBe(7);
  });

  it("tell of a connection that breaks while messages are under way", async () => {
    const going = closedRun({ ...run(2), kind: "closed", warmUpMs: 0, measureMs: 100 });
    await expect.poll(() => published).toBeGreaterThan(0);
    for (const socket of sockets) socket.destroy();
    const { failures } = await going;
    const { true: unacknowledged = [], false: broken = [] } = Object.groupBy(
      Object.entries(failures),
      ([why]) => String(why.includes("without an acknowledgement")),
    ) as Partial<Record<"true" | "false", [string, number][]>>;
    expect(unacknowledged).toHaveLength(1);
    // Closed or reset: that is up to what was under way.
    expect(broken.reduce((sum, [, count]) => sum + count, 0)).toBe(2);
  });
});

describe("times of several processes", () => {
  it("are counted in slots that hold them to 2 %", () => {
    for (const ms of [0.011, 0.5, 1, 3.7, 42, 5_000]) {
      expect(endOf(slotOf(ms))).toBeGreaterThanOrEqual(ms * 0.999);
      expect(endOf(slotOf(ms))).toBeLessThan(ms * 1.021);
    }
    const times: number[] = [];
    for (let ms = 1; ms <= 100; ms++) times[slotOf(ms)] = (times[slotOf(ms)] ?? 0) + 1;
    const counts = Array.from(times, (count) => count ?? 0);
    expect(shareOf(counts, 0.5)).toBeCloseTo(50, -1);
    expect(shareOf(counts, 0.99)).toBeGreaterThanOrEqual(99);
    expect(shareOf([], 0.99)).toBe(0);
  });

  it("are put together as if one process had seen them", () => {
    const one = { acknowledged: 2, perSecond: 10, open: 1, ranOut: false, p50Ms: 0, p99Ms: 0 };
    const sum = together([
      { ...one, maxMs: 3, failures: { a: 1 }, times: [0, 2] },
      { ...one, maxMs: 5, failures: { a: 1, b: 2 }, times: [1, 1, 4] },
    ]);
    expect(sum).toMatchObject({
      acknowledged: 4,
      perSecond: 20,
      open: 2,
      maxMs: 5,
      failures: { a: 2, b: 2 },
    });
    expect(sum.times).toEqual([1, 3, 4]);
    expect(sum.p99Ms).toBe(endOf(2));
  });
});
