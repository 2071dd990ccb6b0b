import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkProperties } from "./check.js";
import { applied, difference, type Properties, withoutNulls } from "./merge-patch.js";

const key = fc.constantFrom("a", "b", "c", "__proto__", "constructor");
const { properties } = fc.letrec<{ properties: Properties; value: Properties[string] }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, "x", 1),
    fc.array(tie("value"), { maxLength: 2 }),
    tie("properties"),
  ),
  properties: fc.dictionary(key, tie("value"), { maxKeys: 3 }),
}));

describe("merge patches", () => {
  it("make of one document another, and nothing where both are the same", () => {
    fc.assert(
      fc.property(properties, properties, (one, other) => {
        const [before, after] = [withoutNulls(one), withoutNulls(other)];
        const patch = difference(before, after);
        expect(JSON.stringify(sorted(applied(patch ?? {}, before)))).toBe(JSON.stringify(sorted(after)));
        expect(difference(after, after)).toBeUndefined();
      }),
    );
  });

  it("delete by null, and replace arrays", () => {
    const before = { a: { b: 1, c: 2 }, list: [1, 2] };
    expect(applied({ a: { b: null }, list: [3] }, before)).toEqual({ a: { c: 2 }, list: [3] });
    expect(difference(before, { a: { c: 2 }, list: [1, 2] })).toEqual({ a: { b: null } });
  });
});

describe("properties", () => {
  it.each<[unknown, RegExp]>([
    [[], /must be an object/],
    [{ "a.b": 1 }, /holds \. or \$/],
    [{ a: { $x: 1 } }, /a\.\$x/],
    [{ a: "x".repeat(4_097) }, /longer than 4096/],
    [{ a: Number.NaN }, /no finite number/],
    [{ a: undefined }, /nothing that JSON has/],
    [JSON.parse(`${'{"a":'.repeat(11)}1${"}".repeat(11)}`), /deeper than 10/],
  ])("%j is refused", (value, reason) => {
    expect(() => checkProperties(value)).toThrow(reason);
  });

  it("may be ten deep", () => {
    const deep = JSON.parse(`${'{"a":'.repeat(10)}1${"}".repeat(10)}`);
    expect(checkProperties(deep)).toBe(deep);
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .map(([name, each]) => [name, sorted(each)])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}
