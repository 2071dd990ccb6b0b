import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { fold } from "@fieldlog/decider";
import { describe, expect, test } from "vitest";
import {
  asking,
  decision,
  details,
  given,
  metadata,
  metadataChanged,
  type Recorded,
  registered,
  sensorAdded,
  stateAfter,
} from "./device.fixture.js";
import { type Device, device, deviceIdFrom, hasName } from "./device.js";
import {
  confirmMetadata,
  ensure,
  eraseDevice,
  fence,
  register,
  removeDevice,
  rename,
} from "./device-decisions.js";

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
