import { create } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import { DeviceChange } from "./editing-schemas.js";
import { toUpdate } from "./metadata-change.js";

type Value = registry.PropertyValue["value"];

const now = (value: Value) => ({ a: create(registry.PropertyValueSchema, { value }) });
const changed = (given: unknown, was?: Value) =>
  toUpdate({ properties: { a: given as string } }, was === undefined ? {} : now(was)).metadata?.properties?.[
    "a"
  ]?.value;

describe("a change of metadata", () => {
  it("asks for what is given, and unsets what is null", () => {
    expect(toUpdate({ name: "roof", floor: "", properties: { a: "x", b: null } }, {})).toEqual({
      metadata: { name: "roof", floor: "", properties: { a: { value: { case: "text", value: "x" } } } },
      unsetProperties: ["b"],
    });
    expect(toUpdate({}, {})).toEqual({ metadata: { properties: {} }, unsetProperties: [] });
  });

  it("takes a number without a fraction for an integer, unless it was another number before", () => {
    expect(changed(7)).toEqual({ case: "integer", value: 7n });
    expect(changed(7, { case: "integer", value: 1n })).toEqual({ case: "integer", value: 7n });
    expect(changed(7, { case: "number", value: 1 })).toEqual({ case: "number", value: 7 });
    expect(changed(7.5, { case: "integer", value: 1n })).toEqual({ case: "number", value: 7.5 });
    expect(changed(1e300)).toEqual({ case: "number", value: 1e300 });
    expect(changed(false, { case: "integer", value: 1n })).toEqual({ case: "flag", value: false });
  });

  it("keeps an integer that was shown as text, since JSON cannot hold it", () => {
    const large = { case: "integer", value: 2n ** 60n } as const;
    expect(changed(String(2n ** 60n), large)).toEqual(large);
    expect(changed("7", large)).toEqual({ case: "text", value: "7" });
    expect(changed(String(2n ** 60n))).toEqual({ case: "text", value: String(2n ** 60n) });
  });

  it("finds no property among what every object has", () => {
    const { metadata } = toUpdate({ properties: JSON.parse('{"constructor": 1}') }, {});
    expect(Object.entries(metadata?.properties ?? {})).toEqual([
      ["constructor", { value: { case: "integer", value: 1n } }],
    ]);
  });

  it.each([
    ["a field that is none", { colour: "red" }],
    ["a place that is none", { latitude: -90.1 }],
    ["another kind of device", { mobility: "flies" }],
    ["a text that is too long", { name: "x".repeat(limits.textLength + 1) }],
    ["a property of many parts", { properties: { a: { b: 1 } } }],
    [
      "too many properties",
      { properties: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`k${i}`, 1])) },
    ],
  ])("refuses %s", (_, body) => expect(DeviceChange.safeParse(body).success).toBe(false));
});
