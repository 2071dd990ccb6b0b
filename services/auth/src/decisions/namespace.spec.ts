import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { fold, type RegistryEvent } from "@fieldlog/decider";
import { expect, test } from "vitest";
import {
  createNamespace,
  isAssignedId,
  isNamespaceName,
  namespace,
  setRetention,
  setSettings,
} from "./namespace.js";
import { askedSettings, SETTINGS } from "./settings.js";

const box = (byte: number) => ({ keyId: "k", nonce: new Uint8Array(12), ciphertext: Uint8Array.of(byte) });
const created = (id: string, name: string): RegistryEvent => ({
  event: { case: "namespaceCreated", value: { id, name, dataKey: box(1) } },
});

function given(...events: RegistryEvent[]) {
  const decision = create(registry.DecisionSchema, { events, decidedAt: 1_000n });
  return fold(namespace, { state: namespace.initial, sequence: 0 }, 1, decision).state;
}

test("a namespace is created with its id, its name and its sealed data key", () => {
  const { events } = createNamespace({ id: "1", name: "roofs", dataKey: box(1) })(given());
  expect(events).toEqual([created("1", "roofs")]);
  expect(given(...events)).toMatchObject({ phase: "created", id: "1", name: "roofs", createdAt: 1_000 });
});

test("asked twice for the same, nothing is decided the second time, and the data key stays", () => {
  const { events } = createNamespace({ id: "test", name: "test", dataKey: box(2) })(
    given(created("test", "test")),
  );
  expect(events).toEqual([]);
});

test("a name is given once", () => {
  const decide = createNamespace({ id: "2", name: "roofs", dataKey: box(2) });
  expect(() => decide(given(created("1", "roofs")))).toThrow("there is a namespace roofs already");
});

test.each(["", "Roofs", "-roofs", "a b", "ä", "a.b", "x".repeat(65), "0b5c1f1e-5a86-4f0c-9d6f-0b6f0a4a7a11"])(
  "refuses a name that is none: %j",
  (name) => {
    expect(isNamespaceName(name)).toBe(false);
    const decide = createNamespace({ id: "1", name, dataKey: box(1) });
    expect(() => decide(given())).toThrow(expect.objectContaining({ name: "InvalidField", field: "name" }));
  },
);

test.each(["default", "test", "a", "0", "a-b_c", "x".repeat(64)])(
  "takes %j for a name, and for no id",
  (name) => {
    expect(isNamespaceName(name)).toBe(true);
    expect(isAssignedId(name)).toBe(false);
  },
);

test("a namespace remembers the user who made it, if a user did", () => {
  const { events } = createNamespace({ id: "1", name: "roofs", dataKey: box(1), owner: "u1" })(given());
  expect(given(...events)).toMatchObject({ owner: "u1" });
  expect(given(created("1", "roofs"))).toMatchObject({ owner: "" });
});

const changed = (value: { measurementDays?: number; logDays?: number }): RegistryEvent => ({
  event: { case: "retentionChanged", value },
});

test("before any change, logs are kept for 56 days and measurements for ever", () => {
  expect(given(created("1", "roofs"))).toMatchObject({ retention: { logDays: 56 } });
  expect(setRetention({ logDays: 56 })(given(created("1", "roofs"))).events).toEqual([]);
});

test.each([{ measurementDays: 1, logDays: 36_500 }, { measurementDays: 30 }, {}])(
  "retention becomes %j as a whole, and the same again is nothing",
  (asked) => {
    const { events } = setRetention(asked)(given(created("1", "roofs")));
    expect(events).toEqual([changed(asked)]);
    const after = given(created("1", "roofs"), ...events);
    expect(after).toMatchObject({ id: "1", phase: "created" });
    expect(after.phase === "created" && after.retention).toEqual(asked);
    expect(setRetention(asked)(after).events).toEqual([]);
  },
);

test.each([
  ["measurement_days", { measurementDays: 0 }],
  ["measurement_days", { measurementDays: 36_501 }],
  ["log_days", { logDays: 0 }],
])("refuses %s out of range: %j", (field, asked) => {
  expect(() => setRetention(asked)(given(created("1", "roofs")))).toThrow(
    expect.objectContaining({ name: "InvalidField", field }),
  );
});

test("a namespace that is not there has no retention", () => {
  expect(() => setRetention({})(given())).toThrow("no such namespace");
});

const set = (settings: object) => ({ uniqueDeviceNames: false, offers: "requested" as const, ...settings });

test("settings are what was asked for last, all at once, and the defaults before", () => {
  expect(given(created("1", "roofs"))).toMatchObject({ settings: SETTINGS });
  const first = set({ heartbeatS: 60, inactiveAfterS: 200, devices: 3, storedBytes: 2 ** 40, offers: "all" });
  const { events } = setSettings(first)(given(created("1", "roofs")));
  const after = given(created("1", "roofs"), ...events);
  expect(after).toMatchObject({ settings: first });
  expect(setSettings(first)(after).events).toEqual([]);
  const { events: back } = setSettings(SETTINGS)(after);
  expect(given(created("1", "roofs"), ...events, ...back)).toMatchObject({ settings: SETTINGS });
});

test("may be made with other settings, which are then decided with it", () => {
  const closed = set({ closedToCsn: true });
  const { events } = createNamespace({ id: "1", name: "roofs", dataKey: box(1), settings: closed })(given());
  expect(given(...events)).toMatchObject({ id: "1", settings: closed });
  const { events: opened } = setSettings(SETTINGS)(given(...events));
  expect(given(...events, ...opened)).toHaveProperty("settings", SETTINGS);
});

test("is open to CSN where what was decided before it could be closed does not say", () => {
  const before = { event: { case: "namespaceSettingsChanged" as const, value: { offers: "all" } } };
  expect(given(created("1", "roofs"), before)).not.toHaveProperty("settings.closedToCsn");
});

test.each([
  ["settings.liveness.heartbeat_s", { heartbeatS: 0 }],
  ["settings.liveness.heartbeat_s", { heartbeatS: 3_000_000, inactiveAfterS: 2_592_000 }],
  ["settings.liveness.inactive_after_s", { inactiveAfterS: 599 }],
  ["settings.liveness.inactive_after_s", { heartbeatS: 1_801 }],
  ["settings.limits.devices", { devices: 0 }],
  ["settings.limits.stored_bytes", { storedBytes: 2 ** 53 }],
  ["settings.limits.upload_bytes", { uploadBytes: 2 ** 32 }],
])("refuses settings out of range: %s", (field, settings) => {
  const decide = setSettings(set(settings));
  expect(() => decide(given(created("1", "roofs")))).toThrow(
    expect.objectContaining({ name: "InvalidField", field }),
  );
});

test("refuses settings of a namespace that is not, and offers of which nothing is known", () => {
  expect(() => setSettings(SETTINGS)(given())).toThrow("no such namespace");
  const asked = create(registry.NamespaceSettingsChangedSchema, { offers: "some" });
  expect(() => askedSettings(asked)).toThrow(expect.objectContaining({ field: "settings.offers" }));
});
