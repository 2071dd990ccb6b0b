import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fromJson, toJson } from "./plain.js";

const plain = fc.anything({
  withBigInt: true,
  withTypedArray: false,
  withNullPrototype: false,
  values: [
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.bigInt(),
    fc.uint8Array(),
    fc.constantFrom("$bytes", "$$", "\u0000", "\ud800"),
  ],
  key: fc.oneof(
    fc.string(),
    fc.constantFrom("$bytes", "$bigint", "$number", "$$bytes", "__proto__", "constructor"),
  ),
});

test("whatever a state may hold comes back as it was", () => {
  fc.assert(
    fc.property(plain, (state) => {
      expect(fromJson(toJson(state))).toEqual(state);
    }),
  );
});

test("what is absent stays absent", () => {
  expect(Object.keys(fromJson(toJson({ a: undefined, b: 1 })) as object)).toEqual(["b"]);
});

test("a protobuf message comes back as that message", () => {
  const metadata = create(registry.DeviceMetadataSchema, {
    latitude: -0,
    properties: { $bigint: { value: { case: "integer", value: 2n ** 60n } } },
  });
  expect(fromJson(toJson(metadata))).toEqual(metadata);
});

test.each([[() => 1], [new Map()], [new Date(0)], [Symbol("a")]])(
  "refuses what is not plain: %s",
  (value) => {
    expect(() => toJson({ value })).toThrow(TypeError);
  },
);
