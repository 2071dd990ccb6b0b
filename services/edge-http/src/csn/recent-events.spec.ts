import { create } from "@bufbuild/protobuf";
import { projections } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import { bytes, len, num } from "./hand.fixture.js";
import { type RecentEvents, readLegacyQuery, readRecentQuery } from "./queries.js";
import { CELL_BITS, recentEvents } from "./recent-events.js";

const stored = (position: number, data: unknown, geocell = "") =>
  create(projections.StoredEventSchema, {
    position: BigInt(position),
    occurredAt: BigInt(Date.UTC(2014, 3, 13, 19, 36, 43, 205)),
    dataJson: data === undefined ? "" : JSON.stringify(data),
    geocell,
  });
const pick = { sensor: "0", sensorType: "accelerometer-3-axis", readings: [0, 0, 1.5] };
const told = { sensorType: 0, readings: [0, 0, 1.5], date: "2014-04-13T19:36:43.205" };
const cell = "0".repeat(47);

describe("recent events", () => {
  it("are told in their order, with the cell that they are in, which is not exact", () => {
    const west = `0${cell}`;
    const east = `1${cell}`;
    const found = [stored(1, pick, west), stored(2, pick), stored(3, pick, east), stored(4, pick, west)];
    const coarse = (text: string) => text.slice(0, CELL_BITS);
    expect(recentEvents(found, undefined, true)).toEqual({
      mostRecentEventId: 4n,
      events: [
        { ...told, geocell: coarse(west) },
        told,
        { ...told, geocell: coarse(east) },
        { ...told, geocell: coarse(west) },
      ],
      geocellsIncluded: [coarse(west), coarse(east)],
      geocellBounds: [
        {
          westLongitude: -180,
          eastLongitude: -180 + 360 / 4096,
          southLatitude: -90,
          northLatitude: -90 + 180 / 4096,
        },
        { westLongitude: 0, eastLongitude: 360 / 4096, southLatitude: -90, northLatitude: -90 + 180 / 4096 },
      ],
    });
    expect(recentEvents(found, undefined, false)).not.toHaveProperty("geocellBounds");
  });

  it("that CSN has no words for are left out, and are not asked for again", () => {
    const others = [
      undefined,
      null,
      7,
      [],
      { readings: [1] },
      { ...pick, sensorType: "smell" },
      { ...pick, readings: "1" },
      { ...pick, readings: [1, null] },
    ];
    const found = others.map((data, index) => stored(index + 1, data));
    expect(recentEvents(found, undefined, true)).toMatchObject({
      mostRecentEventId: BigInt(others.length),
      events: [],
      geocellsIncluded: [],
    });
  });

  it("where there are none, are those after which they were asked for", () => {
    expect(recentEvents([], 4096n, false)).toEqual({ mostRecentEventId: 4096n, events: [] });
    expect(recentEvents([], undefined, false)).toEqual({ mostRecentEventId: 0n, events: [] });
  });
});

describe("a query for them", () => {
  it.each<[string, number[], RecentEvents]>([
    [
      "nothing: the newest 100",
      [],
      { limit: 100, newest: true, bounds: false, after: undefined, sensorType: undefined },
    ],
    [
      "an id: those after it",
      num(4, 9),
      { limit: 100, newest: false, bounds: false, after: 9n, sensorType: undefined },
    ],
    [
      "an id, and the newest",
      [...num(4, 9), ...num(3, 1)],
      { limit: 100, newest: true, bounds: false, after: 9n, sensorType: undefined },
    ],
    [
      "the oldest of a type, with bounds",
      [...num(1, 5), ...num(2, 64), ...num(3, 0), ...num(15, 1)],
      { limit: 5, newest: false, bounds: true, after: undefined, sensorType: "other" },
    ],
    [
      "the first sensor type, which is 0",
      num(2, 0),
      { limit: 100, newest: true, bounds: false, after: undefined, sensorType: "accelerometer-3-axis" },
    ],
    [
      "more than a page",
      num(1, 4_000_000_000),
      { limit: 1_000, newest: true, bounds: false, after: undefined, sensorType: undefined },
    ],
  ])("says %s", (_, message, query) => expect(readRecentQuery(bytes(message))).toEqual(query));

  it("cannot ask for what comes after no position", () => {
    expect(readRecentQuery(bytes(num(4, 2n ** 60n)))).toMatchObject({ http: 400 });
  });
});

it("a client of an older server is known by its key, or else by its number", () => {
  expect(readLegacyQuery(bytes(len(1, "a"), num(2, 7)))).toEqual({ identifier: "a" });
  expect(readLegacyQuery(bytes(num(2, 2n ** 63n)))).toEqual({ identifier: "9223372036854775808" });
  expect(readLegacyQuery(bytes(num(2, 0)))).toEqual({ identifier: "0" });
  expect(readLegacyQuery(bytes())).toMatchObject({ message: "Missing required field: legacy_client_key" });
});
