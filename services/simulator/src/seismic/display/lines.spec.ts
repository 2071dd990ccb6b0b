import { describe, expect, it } from "vitest";
import type { Quake } from "../network/catalogue.js";
import { quakeLine, statusLine } from "./lines.js";
import { parsePage, ReadBackError } from "./read-back.js";

const quake: Quake = {
  id: "a",
  time: 0,
  magnitude: 5.3,
  latitude: -7.86,
  longitude: 118.8,
  depthKm: 15,
  place: "50km NNW of Sangiang, Indonesia",
};
const at = new Date(2026, 0, 2, 14, 3, 21);

describe("quakeLine", () => {
  it("says magnitude, place, stations and how late", () => {
    expect(quakeLine({ quake, stations: 3, expected: 3, lateMs: [10, 21, 40] }, at)).toBe(
      "14:03:21   M 5.3  50km NNW of Sangiang, Indonesia                 3 stations       21 ms late, the slowest 40 ms",
    );
  });

  it("says what is missing", () => {
    expect(quakeLine({ quake, stations: 1, expected: 4, lateMs: [10] }, at)).toMatch(
      /1 of 4 stations +10 ms late$/,
    );
    expect(quakeLine({ quake, stations: 0, expected: 1, lateMs: [] }, at)).toMatch(
      /0 of 1 station +nothing read back yet$/,
    );
  });
});

describe("statusLine", () => {
  it("gives rates, and failures only where there are some", () => {
    const tally = { picks: 12, heartbeats: 300, offers: 2, uploads: 0, refused: 0, unanswered: 0 };
    expect(statusLine(tally, 10, 300, at)).toBe("14:03:21  300 stations · 1.2 picks/s · 30.0 heartbeats/s");
    expect(statusLine({ ...tally, uploads: 3 }, 10, 300, at)).toMatch(/ · 3 uploaded$/);
    expect(statusLine({ ...tally, refused: 2 }, 10, 300, at)).toMatch(/ · 2 refused$/);
  });
});

describe("parsePage", () => {
  it("reads device, time, sending time and position", () => {
    const event = {
      source: "/namespaces/default/devices/6572938060890112",
      time: "2026-01-02T14:03:21.500Z",
      position: 8192,
      data: { sentAt: "2026-01-02T14:03:21.502Z" },
    };
    expect(parsePage(JSON.stringify({ events: [event], next: null }))).toEqual([
      {
        device: "6572938060890112",
        time: Date.parse(event.time),
        sentAt: Date.parse(event.data.sentAt),
        position: 8192,
      },
    ]);
  });

  it("says so when the answer is something else", () => {
    expect(() => parsePage("<html>")).toThrow(ReadBackError);
    expect(() => parsePage("{}")).toThrow(ReadBackError);
  });
});
