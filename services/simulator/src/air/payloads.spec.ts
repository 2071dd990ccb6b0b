import { describe, expect, it } from "vitest";
import { acknowledgment, configuration, intervalOf, logEntry, measurement } from "./payloads.js";

const ID = "81bf7042-e20f-4a97-ac44-c15853e3618f";
const value = { temperature: 8.25, pressure: 1009.2, wind: 3.8 };
const read = ({ topic, payload }: { topic: string; payload: string }) => [topic, JSON.parse(payload)];

describe("a sensor of the older generation", () => {
  it("wraps its lists in objects", () => {
    expect(read(measurement("older", ID, { timestamp: 1683645000, value, revision: 2 }))).toEqual([
      `measurements/${ID}`,
      { measurements: [{ timestamp: 1683645000, value, revision: 2 }] },
    ]);
    expect(read(acknowledgment("older", ID, { timestamp: 1683645000, revision: 2, success: true }))).toEqual([
      `heartbeats/${ID}`,
      { heartbeats: [{ timestamp: 1683645000, revision: 2, success: true }] },
    ]);
  });

  it("logs subject and details", () => {
    const entry = {
      timestamp: 1,
      severity: "info",
      revision: undefined,
      subject: "on",
      details: "roof",
    } as const;
    expect(read(logEntry("older", ID, entry))).toEqual([
      `log-messages/${ID}`,
      { log_messages: [{ timestamp: 1, severity: "info", subject: "on", details: "roof" }] },
    ]);
  });
});

describe("a sensor of the newer generation", () => {
  it("sends bare lists, without a revision that it does not have", () => {
    expect(read(measurement("newer", ID, { timestamp: 5.5, value, revision: undefined }))).toEqual([
      `measurements/${ID}`,
      [{ timestamp: 5.5, value }],
    ]);
    expect(read(acknowledgment("newer", ID, { timestamp: 6, revision: 0, success: false }))).toEqual([
      `acknowledgments/${ID}`,
      [{ timestamp: 6, revision: 0, success: false }],
    ]);
  });

  it("logs one message", () => {
    const entry = {
      timestamp: 1,
      severity: "error",
      revision: 3,
      subject: "frost",
      details: "-1 °C",
    } as const;
    expect(read(logEntry("newer", ID, entry))).toEqual([
      `logs/${ID}`,
      [{ timestamp: 1, severity: "error", revision: 3, message: "frost: -1 °C" }],
    ]);
  });
});

describe("a configuration", () => {
  const of = (text: string) => configuration(Buffer.from(text));

  it("is a revision and an object", () => {
    expect(of('{"revision":0,"configuration":{"interval_s":60}}')).toEqual({
      revision: 0,
      configuration: { interval_s: 60 },
    });
  });

  it("is passed over when it is neither", () => {
    for (const text of ["", "{", "null", '{"revision":"1","configuration":{}}', '{"revision":1}']) {
      expect(of(text)).toBeUndefined();
    }
  });

  it("says the interval, or leaves it as it is by default, within bounds", () => {
    expect(intervalOf({ interval_s: 3600 })).toBe(3600);
    expect(intervalOf({ unknown: true })).toBe(600);
    for (const interval_s of [0, 59, 86_401, "600", null, {}]) {
      expect(intervalOf({ interval_s: interval_s ?? Number.NaN })).toBeUndefined();
    }
  });
});
