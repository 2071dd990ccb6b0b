import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { fold, type Outcome, type RegistryEvent } from "@fieldlog/decider";
import { expect } from "vitest";
import { type Device, device } from "./device.js";
import { type Added, type Update, update } from "./device-decisions.js";

/*
 * The words of tests of decisions on a device: given / when / then in events.
 */
export type Recorded = NonNullable<RegistryEvent["event"]>;
export type Metadata = MessageInitShape<typeof registry.DeviceMetadataSchema>;
export type Details = MessageInitShape<typeof registry.SensorDetailsSchema>;

export const metadata = (fields: Metadata) => create(registry.DeviceMetadataSchema, fields);
export const details = (fields: Details) => create(registry.SensorDetailsSchema, fields);

export const registered = (fields: Metadata = {}): Recorded => ({
  case: "deviceRegistered",
  value: { dialect: "csn", metadata: metadata(fields) },
});
export const metadataChanged = (fields: Metadata, unsetProperties: string[] = []): Recorded => ({
  case: "deviceMetadataChanged",
  value: { metadata: metadata(fields), unsetProperties },
});
export const sensorAdded = (sensor: string, fields?: Details): Recorded => ({
  case: "sensorAdded",
  value: { sensor, sensorType: "geiger", ...(fields ? { details: details(fields) } : {}) },
});
export const sensorChanged = (sensor: string, fields: Details): Recorded => ({
  case: "sensorChanged",
  value: { sensor, details: details(fields) },
});
export const sensorRemoved = (sensor: string): Recorded => ({ case: "sensorRemoved", value: { sensor } });

export const nothing: Update = {
  unsetProperties: [],
  newSensors: [],
  changedSensors: [],
  removedSensors: [],
};
export const asking = (fields: Partial<Update>) => update({ ...nothing, ...fields });

export function decision(events: readonly Recorded[]): registry.Decision {
  return create(registry.DecisionSchema, { events: events.map((event) => ({ event })), decidedAt: 1_000n });
}

export function stateAfter(...events: Recorded[]): Device {
  return fold(device, { state: device.initial, sequence: 0 }, 1, decision(events)).state;
}

export function given(...events: Recorded[]) {
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

export function catching(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("it was not refused");
}
