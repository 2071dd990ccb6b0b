import { limits } from "@fieldlog/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidEvent } from "./invalid-event.js";
import { parseBinary } from "./parse-cloud-event.js";
import { parseEvent } from "./parse-event.js";
import { NOTHING_SAID } from "./published-event.js";

/** As many characters as a text may have, but more bytes. */
const WIDE = "地".repeat(limits.textLength);
const CLOUD = { specversion: "1.0", id: "1", source: "urn:x", type: "t" };

function refusalOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof InvalidEvent) return error.field;
    throw error;
  }
  return "taken";
}

describe("the short form", () => {
  it("needs a name, and takes what else an event says", () => {
    expect(parseEvent({ name: "x" })).toEqual({ ...NOTHING_SAID, name: "x" });
    const said = {
      ...{ name: "light", device: "d1", id: "7", time: "2026-01-31T12:00:00.5+01:00" },
      ...{ location: { latitude: 1, longitude: -2 }, action: "on", value: 25.5, place: true },
      ...{ data: { a: [1] }, readings: [{ sensor: "0", sensorType: "s", values: [1, 2] }] },
    };
    expect(parseEvent(said)).toEqual({
      ...NOTHING_SAID,
      ...{ name: "light", device: "d1", identity: "7", occurredAt: Date.parse("2026-01-31T11:00:00.500Z") },
      ...{ location: said.location, action: "on", value: "25.5", place: "true", readings: said.readings },
      data: Buffer.from('{"a":[1]}'),
    });
    expect(parseEvent({ name: "x", readings: [1, 2] }).readings).toEqual([
      { sensor: "", sensorType: "", values: [1, 2] },
    ]);
    expect(parseEvent({ name: "x", data: null }).data).toEqual(Buffer.from("null"));
  });

  const deep = JSON.parse(`${"[".repeat(200_000)}${"]".repeat(200_000)}`);
  it.each([
    ["", 1],
    ["", []],
    ["name", {}],
    ["name", { name: "" }],
    ["name", { name: "x".repeat(limits.textLength + 1) }],
    ["name", { name: WIDE }],
    ["name", { name: "a\0" }],
    ["name", { name: "\ud800" }],
    ["nam", { name: "x", nam: 1 }],
    ["__proto__", JSON.parse('{"name":"x","__proto__":1}')],
    ["time", { name: "x", time: "yesterday" }],
    ["time", { name: "x", time: "2026-13-01T00:00:00Z" }],
    ["location.latitude", { name: "x", location: { latitude: 91, longitude: 0 } }],
    ["location.height", { name: "x", location: { latitude: 1, longitude: 0, height: 1 } }],
    ["value", { name: "x", value: {} }],
    ["device", { name: "x", device: "" }],
    ["id", { name: "x", id: 7 }],
    ["readings", { name: "x", readings: [] }],
    ["readings", { name: "x", readings: Array(limits.readingsPerEvent + 1).fill(1) }],
    ["readings[1]", { name: "x", readings: [1, "2"] }],
    ["readings[0].values[0]", { name: "x", readings: [{ values: [null] }] }],
    ["data", { name: "x", data: deep }],
  ])("is refused for its %s", (field, event) => {
    expect(refusalOf(() => parseEvent(event))).toBe(field);
  });
});

describe("a CloudEvent in JSON", () => {
  it("is kept with all its attributes", () => {
    const said = {
      ...CLOUD,
      subject: "s",
      dataschema: "urn:y",
      team: "red",
      level: 3,
      ok: true,
      data: { a: 1 },
    };
    expect(parseEvent(said)).toEqual({
      ...NOTHING_SAID,
      ...{ identity: "1", source: "urn:x", name: "t", subject: "s", dataSchema: "urn:y" },
      extensions: [
        ["team", "red"],
        ["level", "3"],
        ["ok", "true"],
      ],
      data: Buffer.from('{"a":1}'),
    });
  });

  it("names its device by an attribute or by its source, and is taken again as we hand it on", () => {
    const ours = { ...CLOUD, source: "/namespaces/default/devices/a%20b", position: 7, recordedtime: "now" };
    expect(parseEvent(ours)).toMatchObject({ device: "a b", source: "", extensions: [] });
    expect(parseEvent({ ...CLOUD, device: "d" })).toMatchObject({ device: "d", source: "urn:x" });
  });

  it.each([
    [{ data: "AQI=" }, "text/plain", "AQI="],
    [{ data_base64: "AQI=" }, "application/octet-stream", "\x01\x02"],
    [{ data: "1" }, undefined, '"1"'],
  ])("has data: %j as %s", (data, datacontenttype, expected) => {
    const type = datacontenttype === undefined ? {} : { datacontenttype };
    const found = parseEvent({ ...CLOUD, ...data, ...type });
    expect(Buffer.from(found.data ?? []).toString()).toBe(expected);
  });

  it.each([
    ["specversion", { specversion: "0.3" }],
    ["id", { id: "" }],
    ["id", { id: undefined }],
    ["source", { source: 1 }],
    ["source", { source: WIDE }],
    ["type", { type: WIDE }],
    ["source", { source: "/namespaces/x/devices/%" }],
    ["type", { type: undefined }],
    ["Upper", { Upper: "x" }],
    ["team", { team: [] }],
    ["subject", { subject: "" }],
    ["datacontenttype", { datacontenttype: "", data: 1 }],
    ["data", { datacontenttype: "text/plain", data: {} }],
    ["data_base64", { data: 1, data_base64: "AQI=" }],
    ["data_base64", { data_base64: "AQ" }],
    ["data", { datacontenttype: "application/json", data_base64: "AQI=" }],
    ["", Object.fromEntries(Array.from({ length: limits.extensionsPerEvent + 1 }, (_, i) => [`x${i}`, "1"]))],
  ])("is refused for its %s", (field, change) => {
    expect(refusalOf(() => parseEvent({ ...CLOUD, ...change }))).toBe(field);
  });
});

it.each(["DeviceBecameActive", "DeviceBecameInactive"])("%s is nobody's to publish", (name) => {
  expect(refusalOf(() => parseEvent({ name }))).toBe("name");
  expect(refusalOf(() => parseEvent({ ...CLOUD, type: name }))).toBe("type");
  expect(refusalOf(() => parseBinary(Object.entries({ ...CLOUD, type: name }), "", Buffer.of()))).toBe(
    "type",
  );
  expect(refusalOf(() => parseEvent({ name: `${name}Too` }))).toBe("taken");
});

describe("a CloudEvent beside its data", () => {
  const attributes = Object.entries(CLOUD);

  it("keeps the data as it is", () => {
    const data = Buffer.from('{ "a": 1 }');
    expect(parseBinary(attributes, "application/json", data)).toMatchObject({
      ...{ name: "t", identity: "1", dataContentType: "application/json", data },
    });
    const bytes = Buffer.of(0, 255);
    expect(parseBinary(attributes, "image/png", bytes).data).toBe(bytes);
    expect(parseBinary(attributes, "image/png", Buffer.alloc(0))).toMatchObject({ dataContentType: "" });
  });

  it("is refused for data that is not what its type says, and for attributes that are there twice", () => {
    expect(refusalOf(() => parseBinary(attributes, "", Buffer.from("{")))).toBe("data");
    expect(refusalOf(() => parseBinary(attributes, "a/b+json", Buffer.of(0x22, 0xff, 0x22)))).toBe("data");
    expect(refusalOf(() => parseBinary([...attributes, ["id", "2"]], "", Buffer.of()))).toBe("id");
  });
});

it("takes or refuses any JSON, and raises nothing else", () => {
  const keys = ["name", "specversion", "id", "source", "type", "time", "data", "readings", "location", "x"];
  const some = fc.oneof(fc.constant("1.0"), fc.constant("2026-01-01T00:00:00Z"), fc.jsonValue());
  const event = fc.dictionary(fc.constantFrom(...keys), some);
  fc.assert(
    fc.property(
      fc.oneof(event, fc.jsonValue()),
      (json) => typeof refusalOf(() => parseEvent(json)) === "string",
    ),
    { numRuns: 2_000 },
  );
});
