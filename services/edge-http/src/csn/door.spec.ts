import type { Known, KnownDevice } from "@fieldlog/admission";
import { Budget, LoadCache, OwnWrites } from "@fieldlog/admission";
import { LogUnavailable, QueueFull, SignalTooLarge } from "@fieldlog/event-log";
import { describe, expect, it } from "vitest";
import { Admission } from "../admit/admission.js";
import { ReplayGuard } from "../admit/replay-guard.js";
import { Door } from "./door.js";
import { dateOf, pick, statusOf } from "./hand.fixture.js";

const NOW = Date.UTC(2026, 0, 1);
const secret = "s".repeat(64);

/** A door with one device, whose log does what it is told. */
async function doorWith(append: () => Promise<number>, budget = new Budget(100, 100), disabled = false) {
  const device: KnownDevice = {
    ...{ namespace: "test", id: "1", secret, loadedAt: NOW, budget },
    sensors: new Map([["0", { sensorType: "accelerometer-3-axis", removed: false }]]),
    ...{ location: undefined, metadataChanged: false },
  };
  const nobody = <V extends NonNullable<unknown>>() =>
    new LoadCache<V>({ max: 9, load: async () => undefined });
  const known: Known = {
    devices: new LoadCache({ max: 9, load: async () => device }),
    namespaces: new LoadCache({ max: 9, load: async () => ({ id: "test", name: "test", disabled }) }),
    keys: nobody(),
    hmacKeys: nobody(),
    passwords: nobody(),
    registered: nobody(),
    signers: nobody(),
    deviceSessions: nobody(),
    sessions: nobody(),
    roles: nobody(),
    subscriptions: nobody(),
    requests: nobody(),
    connections: undefined as never,
  };
  const log = { signals: { append, pending: 0 } };
  const guard = new ReplayGuard({ windowMs: 900_000 });
  const admission = new Admission({ log, guard, ownWrites: new OwnWrites(), onCommit: () => undefined });
  const door = new Door({ known, admission, windowMs: 900_000 });
  const request = (id: number) => ({
    ...{
      namespace: "test",
      client: "1",
      userAgent: undefined,
      traceParent: "",
      receivedAt: NOW,
      base: () => "",
    },
    body: pick({ id, secret, date: dateOf(NOW) }),
  });
  return async (id: number) => {
    const { http, body, retryAfterS } = await door.event(request(id));
    return { http, retryAfterS, ...statusOf(Buffer.from(body, "latin1")) };
  };
}

describe("the door", () => {
  it("refuses who sends too much", async () => {
    const send = await doorWith(async () => 4096, new Budget(0, 2));
    expect((await send(0)).http).toBe(200);
    expect((await send(1)).http).toBe(200);
    expect(await send(2)).toMatchObject({ http: 429, type: 7, retryAfterS: 1 });
  });

  it("refuses devices of a namespace that is disabled", async () => {
    const send = await doorWith(async () => 4096, undefined, true);
    expect(await send(0)).toMatchObject({ http: 423, type: 2, retryAfterS: 60 });
    expect(await send(0)).toMatchObject({ http: 423 });
  });

  it.each([
    ["is away", new LogUnavailable("away", 3), { http: 503, type: 5, retryAfterS: 3 }],
    ["has too much to do", new QueueFull("test", 1, 1), { http: 503, type: 5, retryAfterS: 1 }],
    ["takes nothing that large", new SignalTooLarge(9, 1), { http: 413, type: 2 }],
  ])("says so when the log %s, and takes the same message later", async (_what, error, expected) => {
    let failing = true;
    const send = await doorWith(async () => {
      if (failing) throw error;
      return 4096;
    });
    expect(await send(0)).toMatchObject(expected);
    failing = false;
    expect((await send(0)).http).toBe(200);
  });

  it("answers a message that is sent again while it is under way when that has ended, and like it", async () => {
    for (const failing of [true, false]) {
      let appends = 0;
      const send = await doorWith(async () => {
        appends++;
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (failing) throw new LogUnavailable("away");
        return 4096;
      });
      const both = await Promise.all([send(0), send(0)]);
      expect(both.map(({ http }) => http)).toEqual(failing ? [503, 503] : [200, 200]);
      expect(appends).toBe(1);
    }
  });
});
