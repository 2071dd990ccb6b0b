import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { describe, expect, it } from "vitest";
import { type DeviceState, fold } from "./fold.js";

type Event = NonNullable<MessageInitShape<typeof registry.RegistryEventSchema>["event"]>;
const decision = (...events: Event[]) =>
  create(registry.DecisionSchema, { events: events.map((event) => ({ event })), decidedAt: 5n });
const after = (before: DeviceState | undefined, ...events: Event[]) => fold(before, decision(...events));

const registered = after(undefined, {
  case: "deviceRegistered",
  value: { dialect: "csn", metadata: { name: "cellar", latitude: 0 } },
});

describe("a device", () => {
  it("begins with its registration", () => {
    expect(registered).toEqual({
      ...{ dialect: "csn", registeredAt: 5, sensors: [] },
      metadata: { name: "cellar", latitude: 0, properties: {} },
    });
  });

  it("is nothing before it", () => {
    expect(after(undefined, { case: "sensorRemoved", value: { sensor: "0" } })).toBeUndefined();
  });

  it("keeps what a change does not name", () => {
    const changed = after(registered, {
      case: "deviceMetadataChanged",
      value: { metadata: { name: "attic" } },
    });
    expect(changed?.metadata).toEqual({ name: "attic", latitude: 0, properties: {} });
  });

  it("has a property that is unset and set at once as it was set", () => {
    const set = (value: string): Event => ({
      case: "deviceMetadataChanged",
      value: {
        metadata: { properties: { rack: { value: { case: "text", value } } } },
        unsetProperties: ["rack", "other"],
      },
    });
    expect(after(after(registered, set("1")), set("2"))?.metadata.properties).toEqual({ rack: "2" });
  });

  it("shows properties as JSON has them, integers exactly", () => {
    const properties = {
      ...{
        a: { value: { case: "integer" as const, value: 7n } },
        b: { value: { case: "integer" as const, value: 2n ** 60n } },
      },
      ...{
        c: { value: { case: "flag" as const, value: false } },
        d: { value: { case: "number" as const, value: 0.5 } },
      },
      e: {},
    };
    const changed = after(registered, { case: "deviceMetadataChanged", value: { metadata: { properties } } });
    expect(changed?.metadata.properties).toEqual({
      a: 7,
      b: "1152921504606846976",
      c: false,
      d: 0.5,
      e: null,
    });
  });

  it("keeps a removed sensor as removed", () => {
    const changed = after(
      registered,
      { case: "sensorAdded", value: { sensor: "0", sensorType: "temperature", details: { units: "K" } } },
      { case: "sensorChanged", value: { sensor: "0", details: { model: "x" } } },
      { case: "sensorRemoved", value: { sensor: "0" } },
    );
    expect(changed?.sensors).toEqual([
      { id: "0", sensorType: "temperature", removed: true, details: { units: "K", model: "x" } },
    ]);
  });

  it("is nothing after it was removed", () => {
    expect(after(registered, { case: "deviceRemoved", value: {} })).toBeUndefined();
  });
});
