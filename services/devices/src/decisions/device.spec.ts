import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { limits, registry } from "@fieldlog/contracts";
import { fold, type Outcome, type RegistryEvent } from "@fieldlog/decider";
import { describe, expect, test } from "vitest";
import {
  type Added,
  confirmMetadata,
  type Device,
  device,
  deviceIdFrom,
  ensure,
  eraseDevice,
  fence,
  hasName,
  register,
  removeDevice,
  rename,
  type Update,
  update,
} from "./device.js";

// given / when / then in events

type Recorded = NonNullable<RegistryEvent["event"]>;
type Metadata = MessageInitShape<typeof registry.DeviceMetadataSchema>;
type Details = MessageInitShape<typeof registry.SensorDetailsSchema>;

const metadata = (fields: Metadata) => create(registry.DeviceMetadataSchema, fields);
const details = (fields: Details) => create(registry.SensorDetailsSchema, fields);

const registered = (fields: Metadata = {}): Recorded => ({
  case: "deviceRegistered",
  value: { dialect: "csn", metadata: metadata(fields) },
});
const metadataChanged = (fields: Metadata, unsetProperties: string[] = []): Recorded => ({
  case: "deviceMetadataChanged",
  value: { metadata: metadata(fields), unsetProperties },
});
const sensorAdded = (sensor: string, fields?: Details): Recorded => ({
  case: "sensorAdded",
  value: { sensor, sensorType: "geiger", ...(fields ? { details: details(fields) } : {}) },
});
const sensorChanged = (sensor: string, fields: Details): Recorded => ({
  case: "sensorChanged",
  value: { sensor, details: details(fields) },
});
const sensorRemoved = (sensor: string): Recorded => ({ case: "sensorRemoved", value: { sensor } });

const nothing: Update = {
  unsetProperties: [],
  newSensors: [],
  changedSensors: [],
  removedSensors: [],
};
const asking = (fields: Partial<Update>) => update({ ...nothing, ...fields });

function decision(events: readonly Recorded[]): registry.Decision {
  return create(registry.DecisionSchema, { events: events.map((event) => ({ event })), decidedAt: 1_000n });
}

function stateAfter(...events: Recorded[]): Device {
  return fold(device, { state: device.initial, sequence: 0 }, 1, decision(events)).state;
}

function given(...events: Recorded[]) {
  const before = stateAfter(...events);
  return {
    when: <Result = Added>(decide: (state: Device) => Outcome<Result>) => ({
      // biome-ignore lint/suspicious/noThenProperty: the third word of given, when, then
      then: (...expected: Recorded[]) => {
        const { events: led } = decide(before);
        expect(decision(led.map(({ event }) => event as Recorded))).toEqual(decision(expected));
        expect(decide(stateAfter(...events, ...expected)).events, "asked twice").toEqual([]);
      },
      result: () => decide(before).result,
      refused: (refusal: object) => expect(catching(() => decide(before))).toMatchObject(refusal),
      led: () => decide(before).events,
    }),
  };
}

function catching(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("it was not refused");
}

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

describe("a device id", () => {
  test("has 16 digits and is below 2^53", () => {
    for (let seed = 0; seed < 1_000; seed++) {
      const id = deviceIdFrom(Buffer.alloc(8, seed * 7));
      if (id !== undefined) expect(id).toMatch(/^\d{16}$/);
      if (id !== undefined) expect(Number.isSafeInteger(Number(id))).toBe(true);
    }
    expect(deviceIdFrom(Buffer.alloc(8, 255))).toBe("9007199254740991");
  });

  test("is not made of bytes that give fewer digits", () => {
    expect(deviceIdFrom(Buffer.alloc(8))).toBeUndefined();
  });
});

describe("a device with a name of its own", () => {
  const named = (name: string, dialect = "tenta"): Recorded => ({
    case: "deviceRegistered",
    value: { dialect, metadata: metadata({ name }) },
  });
  const gone: Recorded = { case: "deviceRemoved", value: {} };

  test("is registered with one", () => {
    const asked = { dialect: "tenta", metadata: metadata({ name: "a-1" }), sensors: [] };
    given().when(register(asked)).then(named("a-1"));
    given()
      .when(register({ dialect: "tenta", sensors: [] }))
      .refused({ field: "metadata.name", reason: "is missing" });
  });

  test.each(["x", "x-x", "a".repeat(64), "12345678", "un1c0rn"])("may be called %j", (name) => {
    given(named("a")).when(rename(name)).then(metadataChanged({ name }));
  });

  test.each(["", "-", "x-", "-x", "x--x", "x_x", "xxx?x", "x\n", "X", "a".repeat(65), "\u{1f30b}", "\u5730"])(
    "may not be called %j",
    (name) => given(named("a")).when(rename(name)).refused({ field: "name" }),
  );

  test("remembers the name that it had before, and since when it has another", () => {
    given(named("a")).when(rename("a")).then();
    const state = fold(
      device,
      { state: stateAfter(named("a")), sequence: 1 },
      7,
      decision([metadataChanged({ name: "b" }), metadataChanged({ floor: "1" })]),
    ).state;
    expect(state).toMatchObject({ metadata: { name: "b", floor: "1" }, namedAt: 7, formerName: "a" });
    expect([hasName(state, "a"), hasName(state, "b")]).toEqual([false, true]);
  });

  test("gets another by an update as well, by the same rules", () => {
    given(named("a"))
      .when(asking({ metadata: metadata({ name: "b" }) }))
      .then(metadataChanged({ name: "b" }));
    given(named("a"))
      .when(asking({ metadata: metadata({ name: "B" }) }))
      .refused({ field: "metadata.name" });
    given(named("a"))
      .when(asking({ metadata: metadata({ name: "a", floor: "1" }) }))
      .then(metadataChanged({ floor: "1" }));
  });

  test("is renamed; one of a dialect without such names is not, nor one that is not there", () => {
    given(registered({ name: "a" }))
      .when(rename("b"))
      .refused({ field: "device" });
    given().when(rename("b")).refused({ name: "UnknownDevice" });
    given(named("a"), gone).when(rename("b")).refused({ name: "UnknownDevice" });
    expect(hasName(stateAfter(registered({ name: "a" })), "a")).toBe(true);
    expect(hasName(stateAfter(named("a"), gone), "a")).toBe(false);
  });

  test("is removed once and for all, and what names it had is known", () => {
    given(named("a")).when(removeDevice).then(gone);
    given(registered()).when(removeDevice).then(gone);
    given().when(removeDevice).refused({ name: "UnknownDevice" });
    given(named("a"), gone).when(asking({})).refused({ name: "UnknownDevice" });
    expect(stateAfter(named("a"), gone, named("b"))).toEqual({ phase: "removed", names: ["a"] });
    expect(stateAfter(named("a"), metadataChanged({ name: "b" }), gone)).toMatchObject({ names: ["b", "a"] });
    expect(stateAfter(registered({ name: "a" }), gone)).toEqual({ phase: "removed", names: ["a"] });
    expect(stateAfter(registered(), gone)).toEqual({ phase: "removed", names: [] });
  });

  test("is fenced from getting a name: it moves on without a change, or is removed before it began", () => {
    expect(fence("b")(stateAfter(named("a")))).toMatchObject({
      events: [{ event: { case: "deviceMetadataChanged", value: { metadata: {} } } }],
      result: false,
    });
    given().when(fence("b")).then(gone);
    given(named("a"), gone).when(fence("b")).then();
    given(named("b")).when(fence("b")).then();
    expect(given(named("b")).when(fence("b")).result()).toBe(true);
    expect(stateAfter(named("a"), metadataChanged({}))).toEqual(stateAfter(named("a")));
  });
});

describe("metadata that others changed", () => {
  const floor = metadataChanged({ floor: "1" });
  const told: Recorded = { case: "deviceMetadataDelivered", value: {} };
  /** Its registration at sequence 1, and then each event in a decision of its own, by the device or by another. */
  const after = (...decisions: [by: string, event: Recorded][]) =>
    decisions.reduce(
      (state, [decidedBy, event], index) =>
        fold(device, { state, sequence: index + 1 }, index + 2, { ...decision([event]), decidedBy }).state,
      stateAfter(registered()),
    );
  const changedAt = (state: Device) => ("changedByOthersAt" in state ? state.changedByOthersAt : undefined);

  test("are news for the device until it has been told them", () => {
    expect(changedAt(after(["key:1", floor]))).toBe(2);
    expect(changedAt(after(["key:1", metadataChanged({}, ["a"])]))).toBe(2);
    expect(changedAt(after(["key:1", floor], ["device:7/1/x", metadataChanged({ building: "b" })]))).toBe(2);
    expect(changedAt(after(["key:1", floor], ["device:7", told]))).toBeUndefined();
    expect(changedAt(after(["key:1", floor], ["device:7", told], ["edit-token", floor]))).toBe(4);
  });

  test("are not: what it changed itself, its sensors, and a change of nothing", () => {
    expect(changedAt(after(["device:7/1/x", floor]))).toBeUndefined();
    expect(changedAt(after(["key:1", sensorAdded("0")]))).toBeUndefined();
    expect(changedAt(after(["system", metadataChanged({})]))).toBeUndefined();
  });

  test("are told as of a decision: those that came later are still news", () => {
    const state = after(["key:1", floor], ["device:7", sensorAdded("0")]);
    expect(confirmMetadata(1)(state).events).toEqual([]);
    expect(confirmMetadata(2)(state).events).toEqual([{ event: told }]);
    expect(confirmMetadata(3)(state).events).toEqual([{ event: told }]);
    expect(confirmMetadata(9)(after(["device:7", floor])).events).toEqual([]);
    given().when(confirmMetadata(1)).refused({ name: "UnknownDevice" });
  });
});

test("an erased device is the same whatever stood before, and is erased once", () => {
  const erased = device.evolve({ phase: "unknown" }, erasedEvent, {
    sequence: 9,
    decidedAt: 0,
    decidedBy: "system",
  });
  expect(erased).toEqual({ phase: "removed", names: [], erased: true });
  const removed = { phase: "removed", names: ["a"] } as const;
  expect(device.evolve(removed, erasedEvent, { sequence: 9, decidedAt: 0, decidedBy: "system" })).toEqual(
    erased,
  );
  expect(eraseDevice(removed).events).toEqual([{ event: { case: "deviceErased", value: {} } }]);
  expect(eraseDevice(erased).events).toEqual([]);
  expect(() => eraseDevice({ phase: "unknown" })).toThrow("no such device");
});

const erasedEvent = create(registry.RegistryEventSchema, { event: { case: "deviceErased", value: {} } });

describe("a device that brings its id", () => {
  const board = (fields: Partial<Parameters<typeof ensure>[0]> = {}) =>
    ensure({
      dialect: "edge-impulse",
      metadata: metadata({ name: "15:FE", properties: { deviceType: text("BOARD") } }),
      sensors: [{ sensorType: "Camera (320x240)" }, { sensorType: "Accelerometer", details: fast }],
      ...fields,
    });
  const text = (value: string) => create(registry.PropertyValueSchema, { value: { case: "text", value } });
  const fast = details({ frequencies: [62.5, 100], maxSampleLengthS: 300 });
  const first = board()({ phase: "unknown" }).events.map(({ event }) => event as Recorded);

  test("is registered once, and what it says again has no effect", () => {
    expect(first.map((event) => event.case)).toEqual(["deviceRegistered", "sensorAdded", "sensorAdded"]);
    given(...first)
      .when(board())
      .then();
  });

  test("changes what it says otherwise, adds what is new, and keeps its name and the sensors that it does not name", () => {
    const slow = details({ frequencies: [50] });
    const properties = { deviceType: text("OTHER") };
    given(...first)
      .when(
        board({
          metadata: metadata({ name: "16:FE", properties }),
          sensors: [{ sensorType: "Accelerometer", details: slow }, { sensorType: "Microphone" }],
        }),
      )
      .then(
        metadataChanged({ properties }),
        { case: "sensorChanged", value: { sensor: "1", details: slow } },
        { case: "sensorAdded", value: { sensor: "2", sensorType: "Microphone" } },
      );
  });

  test("does not come again once it was removed, nor under the id of another dialect's", () => {
    const removed = stateAfter(...first, { case: "deviceRemoved", value: {} });
    expect(() => board()(removed)).toThrow("removed");
    expect(() => board()(stateAfter(registered()))).toThrow("another device's");
  });

  test("names each sensor once, with numbers that are finite", () => {
    const twice = [{ sensorType: "a" }, { sensorType: "a" }];
    expect(() => board({ sensors: twice })({ phase: "unknown" })).toThrow("sensors name one of them twice");
    const endless = [{ sensorType: "a", details: details({ maxSampleLengthS: Number.NaN }) }];
    expect(() => board({ sensors: endless })({ phase: "unknown" })).toThrow("not finite");
  });
});
