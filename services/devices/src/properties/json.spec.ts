import { limits } from "@fieldlog/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkSize, difference, type JsonObject, merged, propertiesIn } from "./json.js";

const leaf = fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean());
const key = fc.string({ minLength: 1, maxLength: 3 }).filter((text) => text !== "__proto__");
const { object } = fc.letrec<{ value: unknown; object: JsonObject }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, leaf, fc.array(leaf, { maxLength: 3 }), tie("object")),
  object: fc.dictionary(key, tie("value"), { maxKeys: 4 }) as fc.Arbitrary<JsonObject>,
}));
const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as JsonObject;

describe("what differs", () => {
  it("makes the one of the other, and is nothing when they are the same", () => {
    fc.assert(
      fc.property(object, object, (one, other) => {
        const [from, to] = [plain(one), plain(other)];
        expect(difference(from, plain(from))).toBeUndefined();
        expect(merged(from, difference(from, to) ?? {})).toEqual(to);
      }),
    );
  });

  it("names what went, and only what changed", () => {
    const from = { a: 1, b: { c: [1, { d: 2 }], e: "x" }, f: true };
    const to = { a: 1, b: { c: [1, { d: 3 }] }, g: {} };
    expect(difference(from, to)).toEqual({ f: null, b: { e: null, c: [1, { d: 3 }] }, g: {} });
  });
});

describe("a merge patch", () => {
  it.each<[object, object, object]>([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("of %j with %j gives %j (RFC 7396, appendix A)", (before, patch, after) => {
    expect(merged(before as JsonObject, patch as JsonObject)).toEqual(after);
  });
});

describe("properties", () => {
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

  it.each<[string, string]>([
    ["no JSON", "{"],
    ["no object", "[1]"],
    ["a key with a full stop", '{"a.b":1}'],
    ["a key with a dollar", '{"$version":1}'],
    ["an empty key", '{"":1}'],
    ["a key that is taken for something else", '{"__proto__":{}}'],
    ["a long text", JSON.stringify({ a: "x".repeat(limits.propertyTextBytes + 1) })],
    ["NUL", '{"a":"\\u0000"}'],
    ["half a character", '{"a":"\\ud800"}'],
    ["null in a list", '{"a":[null]}'],
    ["too many levels", nested(limits.propertyDepth + 1)],
    [
      "too many levels of lists",
      `{"a":${"[".repeat(limits.propertyDepth)}${"]".repeat(limits.propertyDepth)}}`,
    ],
    ["far too much", JSON.stringify({ a: Array(40_000).fill(1) })],
  ])("with %s are refused", (_, text) => {
    expect(() => propertiesIn(text, "desired", "patch_json")).toThrow(/^patch_json /);
  });

  it("may be as deep as that, hold lists, and take away", () => {
    for (const text of [nested(limits.propertyDepth), '{"a":[1,{"b":[]}],"c":null}', '{"日本":"語"}']) {
      expect(propertiesIn(text, "reported", "patch_json")).toEqual(JSON.parse(text));
    }
  });

  it("are flat where they are tags", () => {
    expect(() => propertiesIn('{"a":{}}', "tags", "patch_json")).toThrow("is flat");
    expect(() => propertiesIn('{"a":[]}', "tags", "patch_json")).toThrow("is flat");
    expect(propertiesIn('{"a":"x","b":1,"c":true,"d":null}', "tags", "patch_json")).toHaveProperty("d", null);
  });

  it("are bounded together", () => {
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`k${i}`, "x".repeat(4_000)]));
    expect(() => checkSize(many, "patch_json")).toThrow("bytes");
  });
});
