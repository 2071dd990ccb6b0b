import { limits } from "@fieldlog/contracts";
import { describe, expect, test } from "vitest";
import {
  asking,
  details,
  given,
  type Metadata,
  metadata,
  metadataChanged,
  registered,
  sensorAdded,
  sensorChanged,
  sensorRemoved,
  stateAfter,
} from "./device.fixture.js";
import { device } from "./device.js";
import { register } from "./device-decisions.js";

describe("registering", () => {
  const station = { dialect: "csn", metadata: metadata({ name: "cellar" }) };

  test("records the device and its sensors, whose ids count from 0", () => {
    const sensors = [{ sensorType: "geiger", details: details({ model: "G" }) }, { sensorType: "geiger" }];
    given()
      .when(register({ ...station, sensors }))
      .then(registered({ name: "cellar" }), sensorAdded("0", { model: "G" }), sensorAdded("1"));
    expect(
      given()
        .when(register({ ...station, sensors }))
        .result(),
    ).toEqual({ newSensorIds: ["0", "1"] });
  });

  test("needs neither metadata nor sensors", () => {
    given()
      .when(register({ dialect: "csn", sensors: [] }))
      .then(registered());
  });

  test("refuses a sensor without a type", () => {
    given()
      .when(register({ ...station, sensors: [{ sensorType: "geiger" }, { sensorType: "" }] }))
      .refused({ name: "InvalidField", field: "sensors[1].sensor_type" });
  });

  test.each<[string, Metadata]>([
    ["metadata.latitude", { latitude: 90.1 }],
    ["metadata.latitude", { latitude: Number.NaN }],
    ["metadata.longitude", { longitude: -181 }],
    ["metadata.name", { name: "x".repeat(limits.textLength + 1) }],
    ["metadata.location_description", { locationDescription: "a\u0000b" }],
    ['metadata.properties["a"]', { properties: { a: { value: { case: "number", value: Infinity } } } }],
    ['metadata.properties["a"]', { properties: { a: {} } }],
    ["a key of metadata.properties", { properties: { "": { value: { case: "flag", value: true } } } }],
  ])("refuses what cannot be kept, by the name of its field: %s", (field, fields) => {
    given()
      .when(register({ dialect: "csn", metadata: metadata(fields), sensors: [] }))
      .refused({ name: "InvalidField", field });
  });

  test("refuses more sensors than a device may have", () => {
    const sensors = Array.from({ length: limits.sensorsPerDevice + 1 }, () => ({ sensorType: "geiger" }));
    given()
      .when(register({ dialect: "csn", sensors }))
      .refused({ name: "InvalidField", field: "sensors" });
  });

  test("refuses a device that does not fit into one commit", () => {
    const sensors = Array.from({ length: 600 }, () => ({ sensorType: "x".repeat(limits.textLength) }));
    given()
      .when(register({ dialect: "csn", sensors }))
      .refused({ name: "InvalidField", field: "device" });
  });
});

describe("changing metadata", () => {
  test("records only what differs", () => {
    given(registered({ name: "cellar", floor: "-1" }))
      .when(asking({ metadata: metadata({ name: "cellar", floor: "0", latitude: 34.1 }) }))
      .then(metadataChanged({ floor: "0", latitude: 34.1 }));
  });

  test("records a change to a value's default: an empty text is not an absent one", () => {
    given(registered({ name: "cellar", latitude: 1 }))
      .when(asking({ metadata: metadata({ name: "", latitude: 0 }) }))
      .then(metadataChanged({ name: "", latitude: 0 }));
  });

  test("leads to nothing when all is so already", () => {
    given(registered({ name: "cellar" }))
      .when(asking({ metadata: metadata({ name: "cellar" }) }))
      .then();
  });

  test("sets, changes and unsets properties", () => {
    const text = (value: string) => ({ value: { case: "text" as const, value } });
    const properties = { a: text("1"), b: text("1"), c: text("1") };
    given(registered({ properties }))
      .when(
        asking({
          metadata: metadata({ properties: { a: text("1"), b: text("2"), d: text("3") } }),
          unsetProperties: ["c", "e"],
        }),
      )
      .then(metadataChanged({ properties: { b: text("2"), d: text("3") } }, ["c"]));
  });

  test("tells a number from a text that reads alike, and an integer from a number", () => {
    const one = { value: { case: "integer" as const, value: 1n } };
    given(registered({ properties: { a: { value: { case: "number", value: 1 } } } }))
      .when(asking({ metadata: metadata({ properties: { a: one } }) }))
      .then(metadataChanged({ properties: { a: one } }));
  });

  test("takes a key that objects have by themselves for a key", () => {
    const flag = { value: { case: "flag" as const, value: true } };
    given(registered())
      .when(
        asking({ metadata: metadata({ properties: { constructor: flag } }), unsetProperties: ["toString"] }),
      )
      .then(metadataChanged({ properties: { constructor: flag } }));
  });

  test("refuses more properties than a device may have, though each update is small", () => {
    const many = (from: number, count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [
          `k${from + i}`,
          { value: { case: "flag" as const, value: true } },
        ]),
      );
    given(registered({ properties: many(0, limits.propertiesPerDevice) }))
      .when(asking({ metadata: metadata({ properties: many(1_000, 1) }) }))
      .refused({ name: "InvalidField", field: "properties" });
  });
});

describe("changing sensors", () => {
  const two = [
    registered(),
    sensorAdded("0", { model: "G", units: "cpm" }),
    sensorAdded("1", { model: "H" }),
  ];

  test("a client that sends all its sensors again changes only what differs", () => {
    given(...two)
      .when(
        asking({
          changedSensors: [
            { id: "0", details: details({ model: "G", units: "cpm" }) },
            { id: "1", details: details({ model: "H", calibrated: false }) },
          ],
        }),
      )
      .then(sensorChanged("1", { calibrated: false }));
  });

  test("new sensors take ids that were never used, not even by a removed one", () => {
    const decide = asking({ newSensors: [{ sensorType: "geiger" }] });
    const when = given(...two, sensorRemoved("1")).when(decide);
    expect(when.led().map(({ event }) => event?.value)).toMatchObject([
      { sensor: "2", sensorType: "geiger" },
    ]);
    expect(when.result()).toEqual({ newSensorIds: ["2"] });
  });

  test("a removed sensor stays, marked", () => {
    given(...two)
      .when(asking({ removedSensors: ["0"] }))
      .then(sensorRemoved("0"));
    expect(stateAfter(...two, sensorRemoved("0"))).toMatchObject({
      sensors: [
        { id: "0", removed: true },
        { id: "1", removed: false },
      ],
    });
  });

  test("metadata, changed, removed and new sensors make one decision, in this order", () => {
    const { events } = asking({
      newSensors: [{ sensorType: "geiger" }],
      removedSensors: ["0"],
      changedSensors: [{ id: "0", details: details({ serial: "7" }) }],
      metadata: metadata({ name: "roof" }),
    })(stateAfter(...two));
    expect(events.map(({ event }) => event?.case)).toEqual([
      "deviceMetadataChanged",
      "sensorChanged",
      "sensorRemoved",
      "sensorAdded",
    ]);
  });

  test.each(["2", "00", "", "constructor"])("refuses to change or remove what never was: %j", (id) => {
    const refusal = { name: "UnknownSensor", sensor: id };
    given(...two)
      .when(asking({ metadata: metadata({ name: "roof" }), changedSensors: [{ id }] }))
      .refused(refusal);
    given(...two)
      .when(asking({ removedSensors: [id] }))
      .refused(refusal);
  });

  test("refuses to change a removed sensor", () => {
    given(...two, sensorRemoved("1"))
      .when(asking({ changedSensors: [{ id: "1" }] }))
      .refused({ name: "UnknownSensor", sensor: "1" });
  });

  test("a sensor's type and place stay whatever is changed", () => {
    const state = stateAfter(...two, sensorChanged("0", { serial: "7" }));
    expect(state).toMatchObject({
      sensors: [
        { id: "0", type: "geiger", details: { model: "G", units: "cpm", serial: "7" } },
        { id: "1", details: { model: "H" } },
      ],
    });
  });
});

describe("a device that is not registered", () => {
  test("cannot be updated", () => {
    given().when(asking({})).refused({ name: "UnknownDevice" });
  });

  test("is not brought about by other events", () => {
    expect(stateAfter(sensorAdded("0"))).toEqual(device.initial);
  });
});
