import { create } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import type { RegistryEvent } from "@fieldlog/decider";
import { describe, expect, it } from "vitest";
import {
  type Asked,
  ask,
  checkAsked,
  type DataRequest,
  dataRequest,
  expire,
  fulfil,
  withdraw,
} from "./data-request.js";
import { RequestEnded, UnknownRequest } from "./refusals.js";

const NOW = Date.UTC(2026, 4, 1);
const HOUR = 3_600_000;
const stretch: Asked = {
  ...{ device: "17", sensor: "0", current: false, start: NOW - HOUR, end: NOW, points: [], withinM: 0 },
  ...{ expiresAt: NOW + HOUR, note: "" },
};
const byPlace: Asked = {
  ...{ device: "", sensor: "", current: true, points: [{ latitude: 34, longitude: -118 }], withinM: 5_000 },
  ...{ expiresAt: NOW + HOUR, note: "aftershocks" },
};
const { start: _, end: __, ...rest } = stretch;
const current: Asked = { ...rest, current: true };

/** The state after events that were decided one after the other, from sequence 40 on. */
function after(...decisions: (readonly RegistryEvent[])[]): DataRequest {
  let [state, sequence] = [dataRequest.initial, 40];
  for (const events of decisions) {
    for (const event of events) {
      state = dataRequest.evolve(state, create(registry.RegistryEventSchema, event), {
        sequence,
        decidedAt: NOW + sequence,
        decidedBy: "",
      });
    }
    sequence++;
  }
  return state;
}

const made = (asked: Asked) => ask(asked)(dataRequest.initial).events;

describe("a request", () => {
  it.each([stretch, byPlace, current])(
    "is what was asked for, and its number is where it stands in the log",
    (asked) => {
      checkAsked(asked, NOW);
      expect(after(made(asked))).toEqual({ phase: "open", number: 40, asked, createdAt: NOW + 40 });
      expect(ask(asked)(after(made(asked))).events).toEqual([]);
    },
  );

  it("is withdrawn once, and not after it has ended otherwise", () => {
    const open = after(made(stretch));
    const withdrawn = after(made(stretch), withdraw(open).events);
    expect(withdrawn).toMatchObject({ phase: "withdrawn", endedAt: NOW + 41 });
    expect(withdraw(withdrawn).events).toEqual([]);
    expect(() => withdraw(dataRequest.initial)).toThrow(UnknownRequest);
    const fulfilled = after(made(stretch), fulfil("u")(open).events);
    expect(() => withdraw(fulfilled)).toThrow(new RequestEnded("fulfilled"));
  });

  it("is fulfilled by an upload, but not where others or later data may answer it as well", () => {
    expect(after(made(stretch), fulfil("u")(after(made(stretch))).events)).toMatchObject({
      phase: "fulfilled",
    });
    for (const asked of [byPlace, current]) expect(fulfil("u")(after(made(asked))).events).toEqual([]);
    expect(fulfil("u")(dataRequest.initial).events).toEqual([]);
  });

  it("expires at its time, not before, and only if it is open", () => {
    const open = after(made(stretch));
    expect(expire(NOW + HOUR - 1)(open).events).toEqual([]);
    const expired = after(made(stretch), expire(NOW + HOUR)(open).events);
    expect(expired).toMatchObject({ phase: "expired" });
    expect(expire(NOW + 2 * HOUR)(expired).events).toEqual([]);
    expect(fulfil("u")(expired).events).toEqual([]);
  });
});

describe("what is asked for", () => {
  it.each<[string, Partial<Asked>]>([
    ["points", { device: "" }],
    ["points", { points: byPlace.points, withinM: 10 }],
    ["sensor", { device: "", points: byPlace.points, withinM: 10 }],
    ["device", { device: "x".repeat(limits.idLength + 1) }],
    ["device", { device: "a\u0000b" }],
    ["note", { note: "x".repeat(limits.textLength + 1) }],
    ["within_m", { withinM: 5 }],
    ["end", { end: NOW - HOUR }],
    ["end", { start: NOW - 400 * 24 * HOUR }],
    ["start", { current: true }],
    ["expires_at", { expiresAt: NOW }],
    ["expires_at", { expiresAt: NOW + 367 * 24 * HOUR }],
  ])("is refused by its %s", (field, change) => {
    expect(() => checkAsked({ ...stretch, ...change }, NOW)).toThrow(expect.objectContaining({ field }));
  });

  it.each<[string, Partial<Asked>]>([
    ["within_m", { withinM: 0 }],
    ["within_m", { withinM: 0.5 }],
    ["within_m", { withinM: 30_000_000 }],
    ["points", { points: [{ latitude: 91, longitude: 0 }] }],
    ["points", { points: [{ latitude: Number.NaN, longitude: 0 }] }],
    ["points", { points: Array(limits.requestPoints + 1).fill(byPlace.points[0]) }],
  ])("by place is refused by its %s", (field, change) => {
    expect(() => checkAsked({ ...byPlace, ...change }, NOW)).toThrow(expect.objectContaining({ field }));
  });

  it("needs both ends of a stretch", () => {
    const { end: _, ...open } = stretch;
    expect(() => checkAsked(open, NOW)).toThrow(expect.objectContaining({ field: "start" }));
  });
});
