import { fromBinary } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import { pickMessage } from "@fieldlog/simulator";
import { expect, it } from "vitest";
import { PickBodies } from "./pick-bodies.js";

const identity = { clientId: "6572938060890112", secret: "0123456789abcdef".repeat(4), sensorId: "0" };
const now = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

it("makes the bytes that a simulated station sends", () => {
  const bodies = new PickBodies(now);
  for (const messageId of [0, 1, 127, 128, 999, 1_000, 4_294_967_295]) {
    const body = bodies.make(identity, messageId);
    const message = fromBinary(saf.EventMessageSchema, body);
    const time = Date.parse(`${message.event?.date}Z`);
    expect(now - time).toBeGreaterThan(0);
    const { latitude, longitude, event } = message;
    const rate = { count: event?.eventCount ?? 0, windowS: event?.timeWindow ?? 0 };
    const pick = { time, reading: event?.readings ?? [], rate, latitude, longitude };
    expect(body).toEqual(Buffer.from(pickMessage(identity, { sentAt: now, messageId }, pick)));
  }
});
