import { assert, jsonValue, oneof, property, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { Malformed } from "../tenta/payload.js";
import { readHeartbeat } from "./read-heartbeat.js";

const read = (payload: string | object) =>
  readHeartbeat("heartbeats/d", Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload)));
const NOTHING = { status: "", rates: [], connectedSensors: [], disconnectedSensors: [] };

describe("a heartbeat by MQTT", () => {
  it("is an empty payload, or says what the device has to say", () => {
    expect(read("")).toEqual({ ...NOTHING, latestRequestId: undefined });
    expect(read({})).toMatchObject(NOTHING);
    const rates = [{ sensor: "0", eventCount: 2, windowS: 600 }];
    expect(read({ status: "sleep", sensors: ["0"], rates, latestRequest: 7 })).toEqual({
      ...{ status: "sleep", rates, connectedSensors: ["0"], disconnectedSensors: [], latestRequestId: 7n },
    });
  });

  it.each([["[]"], ['{"heartbeats":[]}'], ["{"], ["7"]])(
    "is not %s, which is for tenta to read",
    (payload) => {
      expect(read(payload)).toBeUndefined();
    },
  );

  it("comes by no other topic", () => {
    expect(readHeartbeat("acknowledgments/d", Buffer.alloc(0))).toBeUndefined();
  });

  it.each([
    [{ status: "asleep" }],
    [{ status: 1 }],
    [{ sensors: "0" }],
    [{ sensors: [""] }],
    [{ sensors: Array(2_000).fill("0") }],
    [{ rates: [{ sensor: "0", eventCount: -1, windowS: 1 }] }],
    [{ rates: [{ sensor: "0", eventCount: 1 }] }],
    [{ latestRequest: 0.5 }],
    [{ other: 1 }],
  ])("is refused where it is wrong: %j", (payload) => {
    expect(read(payload)).toBeInstanceOf(Malformed);
  });

  it("of any bytes raises nothing", () => {
    const anything = oneof(
      uint8Array(),
      jsonValue().map((json) => Buffer.from(JSON.stringify(json))),
    );
    assert(property(anything, (payload) => void readHeartbeat("heartbeats/d", payload)));
  });
});
