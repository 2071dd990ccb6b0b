import { limits } from "@fieldlog/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readEvent, readFields, readSubscribe, readWindow } from "./input.js";
import { Refusal } from "./refusal.js";

const JSON_TYPE = "application/json;charset=utf-8";
const fields = (text: string, type = JSON_TYPE) => readFields(Buffer.from(text), type);
const window = (query: string) => readWindow(new URLSearchParams(query));

describe("a body", () => {
  it("is JSON or a form where it says so, and nothing otherwise", () => {
    expect(fields('{"apikey":"k"}').get("apikey")).toBe("k");
    expect(fields("apikey=k", "application/x-www-form-urlencoded; charset=UTF-8").get("apikey")).toBe("k");
    for (const type of ["text/plain", "multipart/form-data", ""]) {
      expect(fields('{"apikey":"k"}', type).size).toBe(0);
    }
    expect(fields("null").size).toBe(0);
    expect(fields("").size).toBe(0);
  });

  it.each(["{", "[]", "1", '"a"', "true", "[".repeat(100_000)])(
    "is refused as JSON that is none of cred's: %#",
    (text) => {
      expect(() => fields(text)).toThrow(Refusal);
    },
  );

  it("that is not UTF-8 is refused", () => {
    expect(() => readFields(Buffer.from([0x22, 0xff, 0x22]), JSON_TYPE)).toThrow(Refusal);
  });
});

describe("an event", () => {
  it("is not one that the platform alone publishes", () => {
    for (const name of ["DeviceBecameActive", "DeviceBecameInactive"]) {
      expect(() => readEvent(fields(JSON.stringify({ event: { name } })))).toThrow(Refusal);
    }
  });

  it("may say nothing", () => {
    const nothing = { name: undefined, location: undefined, action: undefined, value: undefined };
    for (const text of ["{}", '{"event":null}', '{"event":{}}', '{"event":{"name":null,"device":"x"}}']) {
      expect(readEvent(fields(text))).toEqual(nothing);
    }
  });

  it("says texts", () => {
    expect(readEvent(fields('{"event":{"name":"Light","location":1,"action":true,"value":25.50}}'))).toEqual({
      ...{ name: "Light", location: "1", action: "True", value: "25.5" },
    });
  });

  it.each([
    '"x"',
    "[]",
    "1",
    `{"value":"${"x".repeat(limits.textLength + 1)}"}`,
    `{"name":"${"é".repeat(limits.textLength)}"}`,
    '{"name":"\\u0000"}',
    '{"name":"\\ud800"}',
  ])("is refused where it is none, too long or no text: %#", (event) => {
    expect(() => readEvent(fields(`{"event":${event}}`))).toThrow(Refusal);
  });
});

describe("subscribe", () => {
  it("is by event name, each at one place or anywhere", () => {
    const { subscribe } = Object.fromEntries(
      fields(
        '{"subscribe":{"Light":{"location":"Lobby"},"Alarm":{},"Old":"tolerated","N":{"location":null}}}',
      ),
    );
    expect(readSubscribe(subscribe)).toEqual([
      { names: ["Light"], places: ["Lobby"] },
      { names: ["Alarm"], places: [] },
      { names: ["Old"], places: [] },
      { names: ["N"], places: [] },
    ]);
    expect(readSubscribe("")).toEqual([]);
  });

  it.each([[], "x", { X: null }, { X: [] }, { X: 1 }])("is refused where it is none: %#", (subscribe) => {
    expect(() => readSubscribe(subscribe)).toThrow(Refusal);
  });
});

describe("a list's part", () => {
  it("is all of it, briefly, unless said otherwise", () => {
    const all = {
      full: false,
      before: undefined,
      after: undefined,
      limit: Number.POSITIVE_INFINITY,
      offset: 0,
    };
    for (const query of ["", "from=3", "full=", "full=false", "limit=-1", "limit=", "offset=-5"]) {
      expect(window(query)).toEqual(all);
    }
    expect(window("full=0&before=9&after=2&limit=3&offset=1")).toEqual({
      ...{ full: true, before: 9, after: 2, limit: 3, offset: 1 },
    });
  });

  it("is refused or whole numbers, whatever is asked", () => {
    const name = fc.constantFrom("limit", "offset", "before", "after");
    const text = fc.oneof(fc.string(), fc.bigInt().map(String), fc.double().map(String));
    fc.assert(
      fc.property(name, text, (key, value) => {
        try {
          const { limit, offset, before = 0, after = 0 } = window(`${key}=${encodeURIComponent(value)}`);
          for (const number of [offset, before, after]) expect(Number.isSafeInteger(number)).toBe(true);
          expect(limit).toBeGreaterThanOrEqual(0);
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal);
        }
      }),
    );
  });
});
