import { beforeEach, describe, expect, it } from "vitest";
import { Replicas, replicaOf } from "./replicas.js";

type Connection = ConstructorParameters<typeof Replicas>[0];
type Listener = (error: null, message: { string(): string }) => void;

/** Everybody hears everybody, at once, unless cut off. */
class Bus {
  readonly listeners = new Map<string, Listener>();
  readonly cut = new Set<string>();

  connection(name: string): Connection {
    return {
      isClosed: () => false,
      flush: async () => undefined,
      publish: (_: string, text: string) => {
        if (this.cut.has(name)) return;
        for (const [other, listener] of this.listeners) {
          if (!this.cut.has(other)) listener(null, { string: () => text });
        }
      },
      subscribe: (_: string, { callback }: { callback: Listener }) => {
        this.listeners.set(name, callback);
        return { unsubscribe: () => this.listeners.delete(name) };
      },
    } as unknown as Connection;
  }
}

const NAMES = Array.from({ length: 3_000 }, (_, i) => `ns/${i}`);
const clock = { now: 0 };
let bus: Bus;

beforeEach(() => {
  bus = new Bus();
  clock.now = 0;
});

function start(name: string): Replicas {
  const replica = new Replicas(bus.connection(name), name, () => clock.now);
  replica.start();
  clock.now += 300;
  return replica;
}
const sharesOf = (all: readonly Replicas[]) => all.map((one) => NAMES.filter((name) => one.isMine(name)));

describe("replicas", () => {
  it("share the webhooks out: each falls to one of them, and about as many to each", () => {
    const shares = sharesOf([start("host-a1"), start("host-b2"), start("host-c3")]);
    expect(shares.flat().toSorted()).toEqual(NAMES.toSorted());
    for (const share of shares) expect(Math.abs(share.length - 1_000)).toBeLessThan(150);
  });

  it("keep what they have when another comes, but for its share, and get that when it leaves", async () => {
    const old = [start("host-a1"), start("host-b2")];
    const before = sharesOf(old);
    const third = start("host-c3");
    const taken = new Set(sharesOf([third])[0]);
    for (const [i, share] of sharesOf(old).entries()) {
      expect(share).toEqual(before[i]?.filter((name) => !taken.has(name)));
    }
    await third.stop();
    expect(sharesOf(old)).toEqual(before);
    expect(old.every((one) => one.isGone("host-c3"))).toBe(true);
  });

  it("do not take one for gone before it could have been heard, and do so ten seconds after it was", () => {
    const one = start("host-a1");
    expect(one.isGone("host-b2")).toBe(false);
    const other = start("host-b2");
    clock.now += 9_000;
    expect(one.isGone("host-b2")).toBe(false);
    clock.now += 2_000;
    expect(one.isGone("host-b2")).toBe(true);
    expect(other.isHeard).toBe(false);
  });

  it("are silent before they count as gone", () => {
    const one = start("host-a1");
    expect(one.isHeard).toBe(true);
    bus.cut.add("host-a1");
    clock.now += 7_800;
    expect(one.isHeard).toBe(false);
  });

  it("deliver nothing before they have heard each other", () => {
    const one = new Replicas(bus.connection("host-a1"), "host-a1", () => clock.now);
    expect(one.isMine("ns/1")).toBe(false);
    one.start();
    expect(one.isMine("ns/1")).toBe(false);
    clock.now += 300;
    expect(one.isMine("ns/1")).toBe(true);
  });

  it("are known by their records' holders", () => {
    expect(replicaOf("host.example-a1.NUID")).toBe("host.example-a1");
  });
});
