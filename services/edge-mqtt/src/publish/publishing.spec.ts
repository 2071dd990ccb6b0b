import { fromBinary } from "@bufbuild/protobuf";
import { Budget, EventPublishing, LoadCache } from "@fieldlog/admission";
import { limits, signals } from "@fieldlog/contracts";
import { LogUnavailable, SignalTooLarge } from "@fieldlog/event-log";
import { RpcError } from "@fieldlog/rpc";
import { beforeEach, describe, expect, it } from "vitest";
import type { Principal } from "../access/principal.js";
import { willsThrough } from "../heartbeats/wills-through.js";
import type { InboundPublish } from "./inbound.js";
import { Publishing } from "./publishing.js";
import type { Rejected } from "./rejections.js";

const NOW = Date.UTC(2026, 5, 1);
let stored: signals.Signal[];
let rejected: Rejected[];
let acknowledged: object[];
let failure: Error | undefined;
let pause: () => Promise<void>;
let disabled: boolean;

beforeEach(() => {
  stored = [];
  rejected = [];
  acknowledged = [];
  failure = undefined;
  disabled = false;
  pause = async () => undefined;
});

function publishing(): Publishing {
  const append = async (_namespace: string, bytes: Uint8Array) => {
    if (failure) throw failure;
    return stored.push(fromBinary(signals.SignalSchema, new Uint8Array(bytes)));
  };
  const load = async (key: string) =>
    key === "ns/there" ? { namespace: "ns", id: "there", dialect: "tenta", registeredAt: 0 } : undefined;
  const log = { signals: { append, pending: 0 } };
  const namespaces = new LoadCache({ max: 10, load: async () => ({ id: "ns", name: "name", disabled }) });
  const known = { registered: new LoadCache({ max: 10, load }), namespaces };
  return new Publishing({
    ...{ log, known, events: new EventPublishing({ log, known, now: () => NOW }) },
    devices: {
      acknowledgeConfiguration: async (asked: object) => {
        await pause();
        if (failure) throw failure;
        acknowledged.push(asked);
        return { $typeName: "fieldlog.devices.v1.AcknowledgeConfigurationResponse" };
      },
    },
    rejections: { note: (one) => rejected.push(one) },
    now: () => NOW,
  });
}

function principal(permission: Principal["permission"], id = "d1"): Principal {
  return {
    ...{ namespace: "ns", namespaceName: "name", kind: permission === "device" ? "device" : "key", id },
    ...{ permission, budget: new Budget(1000, 1000), proof: { key: "" } },
  };
}

const packet = (topic: string, payload: string, more: Partial<InboundPublish> = {}): InboundPublish => ({
  ...{ topic, payload: Buffer.from(payload), qos: 1, retain: false, dup: false, clientId: "c" },
  ...more,
});
const PAIRS = [
  ["b", "1"],
  ["a", "2"],
  ["b", "3"],
] as const;
const MEASUREMENT = '[{"timestamp":1,"value":{"a":2}}]';

describe("Publishing", () => {
  it("keeps a plain message with all that MQTT says of it", async () => {
    const properties = {
      ...{ payloadFormatIndicator: true, messageExpiryInterval: 60, contentType: "text/plain" },
      ...{ responseTopic: "r", correlationData: Buffer.from("c"), userProperties: PAIRS },
    };
    const sent = packet("a/b", "hello", { retain: true, dup: true, qos: 2, identity: "i", properties });
    expect(await publishing().publish(principal("write"), sent)).toEqual({ kind: "stored", position: 1 });
    expect(stored).toMatchObject([
      {
        ...{ device: "key:d1", identity: "i", receivedAt: BigInt(NOW) },
        body: { case: "message", value: { payload: new Uint8Array(Buffer.from("hello")) } },
        publication: {
          ...{ topic: "a/b", qos: 2, retain: true, redelivered: true, clientId: "c", utf8: true },
          ...{ contentType: "text/plain", responseTopic: "r", expiresAt: BigInt(NOW + 60_000) },
          correlationData: new Uint8Array(Buffer.from("c")),
          userProperties: [
            { key: "b", value: "1" },
            { key: "a", value: "2" },
            { key: "b", value: "3" },
          ],
        },
      },
    ]);
  });

  it("names the device that a message is of", async () => {
    const edge = publishing();
    await edge.publish(principal("device"), packet("d1/state", "x"));
    await edge.publish(principal("device"), packet("measurements/d1", MEASUREMENT));
    await edge.publish(principal("admin"), packet("measurements/there", MEASUREMENT));
    expect(stored.map(({ device, body }) => [device, body.case])).toEqual([
      ["d1", "message"],
      ["d1", "measurements"],
      ["there", "measurements"],
    ]);
  });

  it("lets a device publish to its own topics only, and tells its log of others", async () => {
    const edge = publishing();
    for (const topic of ["measurements/d2", "d2/x", "d1x", "x", "configurations/d1", "logs/d1/more"]) {
      const outcome = await edge.publish(principal("device"), packet(topic, MEASUREMENT));
      expect(outcome).toMatchObject({ kind: "refused", reason: "not-authorized" });
    }
    for (const topic of ["d1", "d1/x/y"]) {
      expect(await edge.publish(principal("device"), packet(topic, ""))).toMatchObject({ kind: "stored" });
    }
    expect(rejected.map(({ device }) => device)).toEqual(Array(6).fill("d1"));
    expect(rejected[0]?.reason).toContain("d1/#");
  });

  it("lets no read key publish", async () => {
    const outcome = await publishing().publish(principal("read"), packet("a", "x"));
    expect(outcome).toMatchObject({ kind: "refused", reason: "not-authorized" });
    expect(rejected).toMatchObject([{ device: "key:d1", topic: "a" }]);
  });

  it("tells no log of a refusal but of a device that exists, to whose a key may write", async () => {
    const edge = publishing();
    const long = "x".repeat(3_000);
    for (const permission of ["read", "write"] as const) {
      for (const device of ["nobody", long]) {
        await edge.publish(principal(permission), packet(`measurements/${device}`, "[]"));
        await edge.publish(principal(permission), packet(`configurations/${device}`, "[]"));
      }
    }
    expect(new Set(rejected.map(({ device }) => device))).toEqual(new Set(["key:d1"]));
    await edge.publish(principal("write"), packet("measurements/there", MEASUREMENT));
    for (const permission of ["read", "write"] as const) {
      await edge.publish(principal(permission), packet("configurations/there", "[]"));
    }
    expect(rejected.slice(-2).map(({ device }) => device)).toEqual(["key:d1", "there"]);
  });

  it("refuses a key's message for a device that does not exist", async () => {
    const outcome = await publishing().publish(principal("write"), packet("logs/nobody", "[]"));
    expect(outcome).toMatchObject({ kind: "refused", reason: "topic-name-invalid" });
    expect(stored).toEqual([]);
  });

  it("refuses what cannot be read, and tells the device's log", async () => {
    const edge = publishing();
    const outcome = await edge.publish(principal("write"), packet("measurements/there", "[]"));
    expect(outcome).toEqual({ kind: "refused", reason: "payload-format-invalid", text: "the list is empty" });
    expect(rejected).toEqual([
      { namespace: "ns", device: "there", topic: "measurements/there", reason: "the list is empty" },
    ]);
    const indicated = packet("a", "", {
      payload: Buffer.from([0xff]),
      properties: { payloadFormatIndicator: true },
    });
    expect(await edge.publish(principal("write"), indicated)).toMatchObject({
      reason: "payload-format-invalid",
    });
  });

  it.each([
    ["$SYS/x", "topic-name-invalid"],
    [
      Array(limits.mqttTopicLevels + 1)
        .fill("a")
        .join("/"),
      "topic-name-invalid",
    ],
    ["é".repeat(limits.mqttTopicBytes / 2 + 1), "topic-name-invalid"],
  ])("refuses the topic %s", async (topic, reason) => {
    expect(await publishing().publish(principal("write"), packet(topic, "x"))).toMatchObject({ reason });
  });

  it("decides on acknowledgments before it keeps them", async () => {
    const edge = publishing();
    const payload = '{"heartbeats":[{"revision":1,"timestamp":2,"success":true}]}';
    await edge.publish(principal("device"), packet("heartbeats/d1", payload));
    const acknowledgments = [{ revision: 1, occurredAt: 2, success: true }];
    expect(acknowledged).toEqual([{ namespace: "ns", device: "d1", acknowledgments }]);
    expect(stored).toMatchObject([{ body: { case: "acknowledgments" }, publication: { wrapped: true } }]);
    failure = new RpcError("unavailable", "away");
    expect(await edge.publish(principal("device"), packet("heartbeats/d1", payload))).toMatchObject({
      kind: "unavailable",
    });
    expect(stored).toHaveLength(1);
  });

  it("decides on a device's acknowledgments in the order in which they came", async () => {
    const edge = publishing();
    const waits = [30, 10, 0];
    pause = () => new Promise((resolve) => setTimeout(resolve, waits.shift()));
    const send = (device: string, revision: number) =>
      edge.publish(
        principal("admin"),
        packet(`heartbeats/${device}`, JSON.stringify([{ revision, timestamp: 2, success: true }])),
      );
    await edge.publish(
      principal("admin"),
      packet("logs/there", '[{"severity":"info","timestamp":1,"message":""}]'),
    );
    await Promise.all([send("there", 1), send("there", 2), send("there", 3)]);
    expect(acknowledged).toMatchObject([1, 2, 3].map((revision) => ({ acknowledgments: [{ revision }] })));
  });

  it("tells what may be sent again from what may not", async () => {
    const edge = publishing();
    failure = new LogUnavailable("away", 7);
    expect(await edge.publish(principal("write"), packet("a", "x"))).toEqual({
      ...{ kind: "unavailable", retryAfterS: 7 },
    });
    failure = new SignalTooLarge(300_000, limits.signalBytes);
    expect(await edge.publish(principal("write"), packet("a", "x"))).toMatchObject({
      ...{ kind: "refused", reason: "packet-too-large" },
    });
    expect(rejected).toHaveLength(1);
  });
});

describe("events", () => {
  const publish = (who: Principal, topic: string, payload: string, more: Partial<InboundPublish> = {}) =>
    publishing().publish(who, packet(topic, payload, more));
  const device = principal("device", "there");

  it("are what a device publishes under its own id, with the name of the topic", async () => {
    const payload = JSON.stringify({ action: "opened", value: 3, id: "one" });
    expect(
      await publish(device, "events/there/Door%2FFront", payload, { retain: true, qos: 2 }),
    ).toMatchObject({
      kind: "stored",
    });
    expect(stored).toMatchObject([
      {
        ...{ device: "there", identity: "one", publication: { retain: false, qos: 2, clientId: "c" } },
        body: { case: "event", value: { name: "Door/Front", action: "opened", value: "3" } },
      },
    ]);
  });

  it("are for a write key those of any device that exists", async () => {
    expect(await publish(principal("write"), "events/there/Light", "on")).toMatchObject({ kind: "stored" });
    expect(stored).toMatchObject([{ device: "there", body: { value: { dataContentType: "text/plain" } } }]);
    expect(await publish(principal("write"), "events/nobody/Light", "on")).toMatchObject({
      ...{ kind: "refused", reason: "topic-name-invalid" },
    });
  });

  it.each([
    ["of another device", device, "events/other/Light", "{}", "not-authorized"],
    ["by a key that may only read", principal("read"), "events/there/Light", "{}", "not-authorized"],
    ["on a topic that is not percent-encoded", device, "events/there/50%", "{}", "topic-name-invalid"],
    ["with another name", device, "events/there/Light", '{"name":"Door"}', "payload-format-invalid"],
    ["of a wrong form", device, "events/there/Light", '{"readings":"x"}', "payload-format-invalid"],
  ] as const)("are refused %s", async (_, who, topic, payload, reason) => {
    expect(await publish(who, topic, payload)).toMatchObject({ kind: "refused", reason });
    expect(stored).toEqual([]);
    expect(rejected).toHaveLength(1);
  });

  it("are not lost sight of when the log is away", async () => {
    failure = new LogUnavailable("away");
    expect(await publish(device, "events/there/Light", "{}")).toMatchObject({ kind: "unavailable" });
  });

  it("of a publish with QoS 2 have its identity, unless they have one of their own", async () => {
    await publish(device, "events/there/Light", "{}", { qos: 2, identity: "of the packet" });
    expect(stored).toMatchObject([{ identity: "of the packet" }]);
  });

  it("are only what has three levels", async () => {
    await publish(principal("write"), "events/there", "x");
    await publish(principal("write"), "events/there/a/b", "x");
    expect(stored.map(({ body }) => body.case)).toEqual(["message", "message"]);
  });
});

it("of a disabled namespace nothing is taken from an API key, by whatever topic", async () => {
  disabled = true;
  const edge = publishing();
  for (const topic of ["plain", "events/there/Light", "measurements/there"]) {
    const outcome = await edge.publish(principal("write"), packet(topic, "{}"));
    expect(outcome).toMatchObject({ kind: "refused", text: "the namespace is disabled" });
    // Also once that is known.
    expect(edge.publish(principal("write"), packet(topic, "{}"))).toBe(outcome);
  }
  expect([stored, rejected]).toEqual([[], []]);
});

describe("heartbeats", () => {
  it("are taken under their topic, from the device itself and for one that exists", async () => {
    const edge = publishing();
    await edge.publish(principal("device"), packet("heartbeats/d1", ""));
    await edge.publish(principal("write"), packet("heartbeats/there", '{"status":"sleep"}'));
    expect(stored).toMatchObject([
      { device: "d1", body: { case: "heartbeat", value: { status: "" } } },
      { device: "there", body: { case: "heartbeat", value: { status: "sleep" } } },
    ]);
    expect(stored.map(({ publication }) => publication)).toEqual([undefined, undefined]);
    for (const [who, topic, payload] of [
      ["device", "heartbeats/there", ""],
      ["write", "heartbeats/nobody", ""],
      ["device", "heartbeats/d1", '{"status":"asleep"}'],
    ] as const) {
      expect(await edge.publish(principal(who), packet(topic, payload))).toMatchObject({ kind: "refused" });
    }
    expect(stored).toHaveLength(2);
  });
});

describe("a will", () => {
  const will = { topic: "d1/gone", payload: Buffer.from("x"), qos: 1, retain: false, delayS: 0 } as const;
  const owner = (principal: string) => ({ namespace: "ns", clientId: "c", principal });

  it("tells of a device that it was killed, and is no sign of life itself", async () => {
    expect(await willsThrough(publishing())(owner("device:d1"), will)).toBe(true);
    expect(stored).toMatchObject([
      { device: "d1", body: { case: "heartbeat", value: { status: "killed" } } },
      { device: "d1", body: { case: "message" }, identity: expect.stringMatching(/^will\//) },
    ]);
  });

  it("of a key tells nothing of any device", async () => {
    expect(await willsThrough(publishing())(owner("key:k"), { ...will, topic: "plain" })).toBe(true);
    expect(stored.map(({ body }) => body.case)).toEqual(["message"]);
  });

  it("waits for the log", async () => {
    failure = new LogUnavailable("away");
    expect(await willsThrough(publishing())(owner("device:d1"), will)).toBe(false);
  });
});
