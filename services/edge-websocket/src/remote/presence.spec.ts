import type { remote } from "@fieldlog/contracts";
import type { Answer, HeldDevice } from "@fieldlog/remote";
import { describe, expect, it } from "vitest";
import { Presence, PresenceUnknown } from "./presence.js";

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
      {
        replaced: () => replaced.push(connection),
        removed: () => undefined,
        disabled: () => undefined,
        answer: () => ({}),
      },
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
