import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { positionOf, signals } from "@fieldlog/contracts";
import { decodeBatch, encodeBatch } from "@fieldlog/event-log";
import { describe, expect, it } from "vitest";
import type { Transition } from "../core/machine.js";
import { ACTIVE, INACTIVE } from "../core/slots.js";
import { factsIn } from "./facts.js";
import { transitionSignal } from "./transition-signal.js";

const STORED = new Date(10_000);

type Init = Exclude<MessageInitShape<typeof signals.SignalSchema>, signals.Signal>;

function factsOf(...all: Init[]) {
  const batch = create(signals.SignalBatchSchema, { signals: all.map((one) => ({ device: "d", ...one })) });
  return factsIn({ sequence: 3, time: STORED, data: toBinary(signals.SignalBatchSchema, batch) });
}
const heartbeat = (status: string): NonNullable<Init["body"]> => ({ case: "heartbeat", value: { status } });
const message: NonNullable<Init["body"]> = { case: "message", value: { payload: Buffer.from("x") } };

describe("a signal", () => {
  it("is a sign of life at its place in the log, whatever a device's clock says", () => {
    const clocks = { occurredAt: 99n, sentAt: 98n };
    expect(factsOf({}, { receivedAt: 9_000n, ...clocks, body: heartbeat("sleep") })).toEqual([
      {
        kind: "sign",
        device: "d",
        sign: { at: 0, position: positionOf(3, 0), status: "" },
        isHeartbeat: false,
      },
      {
        ...{ kind: "sign", device: "d", isHeartbeat: true },
        sign: { at: 9_000, position: positionOf(3, 1), status: "sleep" },
      },
    ]);
  });

  it("is so at most when the log stored it, and with a status that is known", () => {
    const sign = { at: STORED.getTime(), status: "" };
    expect(factsOf({ receivedAt: 99_000n, body: heartbeat("dozing") })).toMatchObject([{ sign }]);
  });

  it.each<[string, Init]>([
    ["an API key's", { device: "key:1", body: message }],
    ["nobody's", { device: "" }],
    ["a will", { identity: "will/1", publication: { topic: "d/gone" }, body: message }],
    ["a message to it", { publication: { topic: "configurations/d" }, body: message }],
    ["what was refused", { body: { case: "rejection", value: { reason: "no", count: 1 } } }],
    ["what was cleared", { body: { case: "cleared", value: {} } }],
    ["what another part of the platform says", { body: { case: "event", value: { issuer: "offers" } } }],
    ["an event of liveness under another identity", ofLiveness({ identity: "x" })],
    ["an event of liveness under another name", ofLiveness({ name: "x" })],
  ])("is none if it is %s", (_, signal) => {
    expect(factsOf(signal)).toEqual([]);
  });

  it("that only has the name of a transition is a sign of life", () => {
    const body: NonNullable<Init["body"]> = { case: "event", value: { name: "DeviceBecameInactive" } };
    expect(factsOf({ identity: "liveness/inactive/7", body })).toMatchObject([{ kind: "sign" }]);
  });
});

function ofLiveness({ identity = "liveness/active/7", name = "DeviceBecameActive" }): Init {
  return { identity, body: { case: "event", value: { name, issuer: "liveness" } } };
}

describe("a transition", () => {
  it.each([
    [ACTIVE, "DeviceBecameActive", "liveness/active/77"],
    [INACTIVE, "DeviceBecameInactive", "liveness/inactive/77"],
  ] as const)("is read back as it was told: %s", (to, name, identity) => {
    const sign = { at: 5_000, position: 77, status: "restart" } as const;
    const transition: Transition = { namespace: "n", device: "d", to, at: 6_000, reason: "timeout", sign };
    const data = encodeBatch([transitionSignal(transition, 7_000)]);
    const [fact] = factsIn({ sequence: 3, time: STORED, data });
    expect(fact).toEqual({
      ...{ kind: "told", device: "d", position: positionOf(3, 0), phase: to, because: 77, at: 6_000 },
    });
    const [signal] = decodeBatch(data);
    expect(signal).toMatchObject({ identity, receivedAt: 7_000n, occurredAt: 6_000n });
    const { body } = signal as signals.Signal;
    const { value } = body as Extract<signals.Signal["body"], { case: "event" }>;
    expect([value.name, value.issuer, JSON.parse(Buffer.from(value.data).toString())]).toEqual([
      ...[name, "liveness"],
      { lastHeartbeatAt: "1970-01-01T00:00:05.000Z", status: "restart", reason: "timeout" },
    ]);
  });
});
