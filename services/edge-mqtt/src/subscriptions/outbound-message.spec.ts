import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import { outboundMessage } from "./outbound-message.js";

type Body = Exclude<MessageInitShape<typeof signals.SignalSchema>, signals.Signal>["body"];

function payload(body: Body, wrapped: boolean): string | undefined {
  const signal = create(signals.SignalSchema, {
    device: "d",
    publication: { topic: "t", wrapped },
    ...(body === undefined ? {} : { body }),
  });
  const message = outboundMessage({ id: "0123", name: "here" }, 1, toBinary(signals.SignalSchema, signal));
  return message && Buffer.from(message.payload).toString();
}

const measurements: Body = {
  case: "measurements",
  value: {
    measurements: [
      { revision: 0, occurredAt: 1683645000.5, attributes: ["a", "b"], values: [1, -2.5] },
      { occurredAt: 0, attributes: ["a"], values: [3] },
    ],
  },
};
const entries: Body = {
  case: "logEntries",
  value: {
    entries: [
      { occurredAt: 1, severity: "info", message: "m" },
      { occurredAt: 2, severity: "error", revision: 3, message: "s", details: "", divided: true },
      { occurredAt: 3, severity: "warning", message: "s", divided: true },
    ],
  },
};
const acknowledgments: Body = {
  case: "acknowledgments",
  value: { acknowledgments: [{ revision: 0, success: false, occurredAt: 4.25 }] },
};

describe("the payload for a subscriber", () => {
  it("is the bare list where the device sent one (tenta A1.2)", () => {
    expect(payload(measurements, false)).toBe(
      '[{"revision":0,"timestamp":1683645000.5,"value":{"a":1,"b":-2.5}},{"timestamp":0,"value":{"a":3}}]',
    );
    expect(payload(entries, false)).toBe(
      '[{"severity":"info","timestamp":1,"message":"m"},' +
        '{"severity":"error","revision":3,"timestamp":2,"subject":"s","details":""},' +
        '{"severity":"warning","timestamp":3,"subject":"s"}]',
    );
    expect(payload(acknowledgments, false)).toBe('[{"revision":0,"timestamp":4.25,"success":false}]');
  });

  it("is an object around the list where the device sent that", () => {
    expect(JSON.parse(payload(measurements, true) ?? "")).toHaveProperty("measurements");
    expect(JSON.parse(payload(entries, true) ?? "")).toHaveProperty("log_messages");
    expect(JSON.parse(payload(acknowledgments, true) ?? "")).toHaveProperty("heartbeats");
  });

  it("is what was published, of a plain message; of anything else there is none", () => {
    expect(payload({ case: "message", value: { payload: Buffer.from("plain") } }, false)).toBe("plain");
    expect(
      payload({ case: "rejection", value: { topic: "t", reason: "r", count: 1 } }, false),
    ).toBeUndefined();
    expect(payload(undefined, false)).toBeUndefined();
  });

  it("of an event is its one form, a CloudEvent, on a topic of its device and name", () => {
    const signal = create(signals.SignalSchema, {
      ...{ device: "d", identity: "i", publication: { topic: "events/d/t", contentType: "text/plain" } },
      body: { case: "event", value: { name: "Door/Opened", value: "1" } },
    });
    const message = outboundMessage(
      { id: "0123", name: "here" },
      4096,
      toBinary(signals.SignalSchema, signal),
    );
    expect(message).toMatchObject({
      ...{ position: 4096, topic: "events/d/Door%2FOpened" },
      publication: { utf8: true, contentType: "application/cloudevents+json", expiresAt: undefined },
    });
    expect(JSON.parse(Buffer.from(message?.payload ?? []).toString())).toMatchObject({
      ...{ specversion: "1.0", id: "i", type: "Door/Opened", value: "1", position: 4096 },
      source: "/namespaces/here/devices/d",
    });
  });
});
