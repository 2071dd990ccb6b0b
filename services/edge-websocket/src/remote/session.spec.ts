import type { remote } from "@fieldlog/contracts";
import type { Answer, HeldDevice } from "@fieldlog/remote";
import { until } from "@fieldlog/testkit";
import { describe, expect, it } from "vitest";
import { KeepAlive } from "./keep-alive.js";
import { Outgoing } from "./outgoing.js";
import { Presence, PresenceUnknown } from "./presence.js";

describe("a device that says nothing", () => {
  it("is gone when two pings are left without a sign of life", () => {
    const alive = new KeepAlive(0);
    const ticks = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, s) => alive.tick((from + s) * 1_000)).flatMap((due) => due ?? []);
    expect(ticks(0, 20)).toEqual([]);
    expect(ticks(20, 59)).toEqual(["ping", "ping"]);
    alive.heard();
    expect(ticks(60, 100)).toEqual(["ping", "ping"]);
    expect(ticks(100, 101)).toEqual(["gone"]);
  });
});

function socket() {
  const sent: string[] = [];
  const own = {
    ...{ sent, readyState: 1, OPEN: 1, bufferedAmount: 0, ended: false },
    send: (frame: unknown) => void sent.push(String(frame)),
    terminate: () => {
      own.ended = true;
    },
  };
  return own;
}

describe("frames to a device", () => {
  it("wait for an answer that was promised, in the order of the promises", async () => {
    const webSocket = socket();
    const failures: unknown[] = [];
    const outgoing = new Outgoing(webSocket as never, (error) => failures.push(error));
    const [one, two, three] = [0, 1, 2].map(() => Promise.withResolvers<object>());
    outgoing.sendEncoded("0");
    outgoing.answerFirst("json", one?.promise ?? Promise.reject());
    outgoing.sendEncoded("4");
    outgoing.answerFirst("json", two?.promise ?? Promise.reject());
    outgoing.answerFirst("json", three?.promise ?? Promise.reject());
    outgoing.sendEncoded("5");
    two?.resolve({ ack: 2 });
    three?.reject(new Error("the log does not answer"));
    await Promise.resolve();
    expect(webSocket.sent).toEqual(["0"]);
    one?.resolve({ ack: 1 });
    await until("all are sent", () => webSocket.sent.length === 5);
    outgoing.sendEncoded("6");
    expect(webSocket.sent).toEqual(["0", '{"ack":1}', '{"ack":2}', "4", "5", "6"]);
    expect(failures).toHaveLength(1);
  });

  it("are not kept without end", () => {
    const webSocket = socket();
    const outgoing = new Outgoing(webSocket as never, () => undefined);
    webSocket.bufferedAmount = 2 ** 20;
    outgoing.sendEncoded("x");
    expect(webSocket.ended).toBe(true);
    const other = socket();
    const holding = new Outgoing(other as never, () => undefined);
    holding.answerFirst("json", new Promise(() => undefined));
    for (let i = 0; i < 1_000; i++) holding.sendEncoded("x");
    expect([other.ended, other.sent]).toEqual([true, []]);
  });
});

/** NATS, of one server: what is announced comes to all who listen, in one order. */
class Bus {
  private readonly listeners = new Set<{ device: string; answer: Answer }>();
  readonly waiting: (() => void)[] = [];

  hold = (held: HeldDevice, answer: Answer): (() => void) => {
    const listener = { device: `${held.namespace}/${held.device}`, answer };
    this.listeners.add(listener);
    this.announce(held);
    return () => this.listeners.delete(listener);
  };

  announce = ({ namespace, device, connection, connectedAt }: HeldDevice): void => {
    const value = { connection, connectedAt: BigInt(connectedAt) } as remote.Replaced;
    this.waiting.push(() => {
      for (const each of this.listeners) {
        if (each.device === `${namespace}/${device}`) void each.answer({ case: "replaced", value });
      }
    });
  };

  deliver(): void {
    for (const announce of this.waiting.splice(0)) announce();
  }
}

describe("of several connections of a device", () => {
  const replaced: string[] = [];
  const enter = (presence: Presence, connection: string, connectedAt: number, device = "d") =>
    presence.enter(
      { namespace: "n", device, connection, connectedAt },
      { replaced: () => replaced.push(connection), removed: () => undefined, answer: () => ({}) },
    );

  it("the newest stays, in one edge and across edges, whatever their clocks say", async () => {
    const bus = new Bus();
    let now = 0;
    const one = new Presence(bus, () => now);
    const two = new Presence(bus, () => now);
    for (const [presence, connection, at] of [
      [one, "a", 50_000],
      [one, "b", 60_000],
      [two, "c", 10_000],
    ] as const) {
      const entered = enter(presence, connection, at);
      bus.deliver();
      await entered;
      now += 5_000;
    }
    expect(replaced.splice(0)).toEqual(["a", "b"]);
    expect([one.size, two.size]).toEqual([1, 1]);
  });

  it("that are made at once, one stays", async () => {
    const bus = new Bus();
    const [one, two] = [new Presence(bus, () => 0), new Presence(bus, () => 0)];
    const entered = [enter(one, "a", 2), enter(two, "b", 1), enter(one, "c", 2, "other")];
    bus.deliver();
    const leave = await Promise.all(entered);
    expect(replaced.splice(0)).toEqual(["b"]);
    for (const each of leave) each();
    expect([one.size, two.size]).toEqual([0, 0]);
  });

  it("none is let in while nobody hears of it", async () => {
    await expect(enter(new Presence(new Bus()), "a", 1)).rejects.toBeInstanceOf(PresenceUnknown);
  });
});
