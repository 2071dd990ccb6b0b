import { describe, expect, it } from "vitest";
import type { OutboundMessage } from "../subscriptions/outbound-message.js";
import { noCounts } from "./counts.js";
import { Outbox } from "./outbox.js";
import type { KeptInFlight } from "./record.js";
import type { Delivery, QoS } from "./types.js";

const NOW = 1_000_000;

interface Options {
  readonly size?: number;
  readonly kept?: readonly KeptInFlight[];
  readonly durable?: boolean;
}

/** A client that answers nothing by itself, and writes that end when the test says so. */
function scene({ size = 10, kept = [], durable = true }: Options = {}) {
  const sent: Delivery[] = [];
  const released: number[] = [];
  const saves: (() => void)[] = [];
  const client = { takes: true, broken: false };
  const failures: number[] = [];
  const outbox = new Outbox(
    {
      sink: {
        publish: (delivery) => {
          if (client.broken) throw new Error("broken");
          sent.push(delivery);
          return client.takes;
        },
        pubrel: (packetId) => released.push(packetId),
        end: () => undefined,
      },
      size,
      save: durable ? () => new Promise((resolve) => saves.push(resolve)) : undefined,
      changed: () => undefined,
      failed: () => failures.push(1),
      onRoom: () => undefined,
      counts: noCounts(),
      now: () => NOW,
    },
    kept,
  );
  const texts = () => sent.map(({ message }) => message.topic);
  return { outbox, sent, released, saves, client, failures, texts };
}

const message = (topic: string, position = 1, expiresAt?: number) =>
  ({ topic, position, publication: { expiresAt } }) as OutboundMessage;
const terms = (qos: QoS) => ({ qos, retain: false, subscriptionIds: [] });
const turn = () => new Promise((resolve) => setImmediate(resolve));
const ticket = () => {
  const heard: string[] = [];
  return { heard, done: () => heard.push("done"), back: () => heard.push("back") };
};

describe("the outbox", () => {
  it("keeps the order while a message with QoS 2 is made durable", async () => {
    const { outbox, saves, texts } = scene();
    outbox.deliver(message("a"), terms(1));
    outbox.deliver(message("b"), terms(2));
    outbox.deliver(message("c"), terms(0));
    outbox.deliver(message("d"), terms(2));
    outbox.deliver(message("e"), terms(1));
    expect(texts()).toEqual(["a"]);
    saves[1]?.();
    await turn();
    expect(texts()).toEqual(["a"]);
    saves[0]?.();
    await turn();
    expect(texts()).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("sends PUBREL once it is durable that it is due, and at once when it is asked again", async () => {
    const { outbox, saves, released, sent } = scene();
    outbox.deliver(message("a"), terms(2));
    saves[0]?.();
    await turn();
    const packetId = sent[0]?.packetId ?? 0;
    outbox.received(packetId, false);
    expect(released).toEqual([]);
    expect(outbox.kept()).toMatchObject([{ packetId, state: "release" }]);
    saves[1]?.();
    await turn();
    outbox.received(packetId, false);
    expect(released).toEqual([packetId, packetId]);
    expect(outbox.completed(packetId)).toBe(true);
    expect(outbox.kept()).toEqual([]);
    // Unknown: the client forgot, and is answered so that it can go on.
    outbox.received(packetId, false);
    expect(released).toHaveLength(3);
  });

  it("takes a refusal for an answer, with QoS 1 and 2", () => {
    const { outbox, sent } = scene({ durable: false, size: 2 });
    outbox.deliver(message("a"), terms(1));
    outbox.deliver(message("b"), terms(2));
    expect(outbox.hasRoom()).toBe(false);
    expect(outbox.acked(sent[0]?.packetId ?? 0)).toBe(true);
    outbox.received(sent[1]?.packetId ?? 0, true);
    expect(outbox.inFlight).toBe(0);
    expect(outbox.hasRoom()).toBe(true);
  });

  it("waits for a full socket, and tells those who wait when there is room", async () => {
    const { outbox, client } = scene();
    client.takes = false;
    outbox.deliver(message("a"), terms(0));
    expect(outbox.hasRoom()).toBe(false);
    expect(await outbox.roomed(10)).toBe(false);
    const waiting = outbox.roomed();
    outbox.writable();
    expect(await waiting).toBe(true);
    expect(outbox.hasRoom()).toBe(true);
  });

  it("gives up a connection that cannot take a message, and raises nothing", () => {
    const { outbox, client, failures } = scene();
    client.broken = true;
    outbox.deliver(message("a"), terms(0));
    expect(failures).toHaveLength(1);
    expect(outbox.hasRoom()).toBe(false);
  });

  it("leaves out what has expired", () => {
    const { outbox, texts } = scene();
    const given = ticket();
    outbox.deliver(message("old", 1, NOW), terms(1), given);
    outbox.deliver(message("new", 2, NOW + 1), terms(1));
    expect(texts()).toEqual(["new"]);
    expect(given.heard).toEqual(["done"]);
  });

  it("sends again with the same packet ids, within the window, and forgets what is not there any more", async () => {
    const entry = { qos: 1, retain: false, subscriptionIds: [], state: "publish" } as const;
    const kept: KeptInFlight[] = [
      { ...entry, packetId: 9, position: 1 },
      { ...entry, packetId: 4, position: 2, qos: 2, state: "release" },
      { ...entry, packetId: 5, position: 3 },
      { ...entry, packetId: 6, position: 4 },
    ];
    const { outbox, sent, released } = scene({ kept, size: 1 });
    const done = outbox.resend(async (position) => (position === 3 ? undefined : message("x", position)));
    await turn();
    expect(sent.map(({ packetId, dup }) => [packetId, dup])).toEqual([[9, true]]);
    expect(released).toEqual([4]);
    outbox.acked(9);
    await done;
    expect(sent.map(({ packetId }) => packetId)).toEqual([9, 6]);
    expect(outbox.kept().map(({ packetId }) => packetId)).toEqual([4, 6]);
  });

  it("gives back what was shared with QoS 1, and keeps what was shared with QoS 2", async () => {
    const { outbox, saves } = scene();
    const [first, second, third] = [ticket(), ticket(), ticket()];
    outbox.deliver(message("a"), terms(1), first);
    outbox.deliver(message("b"), terms(2), second);
    saves[0]?.();
    await turn();
    outbox.deliver(message("c"), terms(0), third);
    expect(outbox.kept().map(({ qos }) => qos)).toEqual([2]);
    outbox.end();
    expect([first.heard, second.heard[0], third.heard]).toEqual([["back"], "done", ["done"]]);
    expect(outbox.hasRoom()).toBe(false);
    expect(await outbox.roomed()).toBe(true);
  });
});
