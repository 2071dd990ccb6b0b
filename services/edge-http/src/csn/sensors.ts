import type { ReadingDraft } from "@fieldlog/admission";
import type { CsnBody } from "./event.js";
import { type Refusal, refusals } from "./refusal.js";

/** What an edge knows of a device's sensors, by id; removed ones too. */
export type KnownSensors = ReadonlyMap<string, { readonly sensorType: string; readonly removed: boolean }>;

/**
 * Holds what a message says of sensors against what the device has, and fills in the types that the
 * sender left out. An event of a removed sensor is refused; a heartbeat may still speak of it.
 */
export function fillSensors(body: CsnBody, sensors: KnownSensors): Refusal | undefined {
  if (body.case === "event") {
    const { reading, otherReadings } = body.value;
    let refusal = reading && fillReading(reading, sensors);
    for (let i = 0; refusal === undefined && i < otherReadings.length; i++) {
      refusal = fillReading(otherReadings[i] as ReadingDraft, sensors);
    }
    return refusal;
  }
  const { rates, connectedSensors, disconnectedSensors } = body.value;
  for (const { sensor } of rates) if (!sensors.has(sensor)) return refusals.unknownSensor(sensor);
  for (const sensor of connectedSensors) if (!sensors.has(sensor)) return refusals.unknownSensor(sensor);
  for (const sensor of disconnectedSensors) if (!sensors.has(sensor)) return refusals.unknownSensor(sensor);
  return undefined;
}

function fillReading(reading: ReadingDraft, sensors: KnownSensors): Refusal | undefined {
  const known = sensors.get(reading.sensor);
  if (known === undefined || known.removed) return refusals.unknownSensor(reading.sensor);
  if (reading.sensorType === "") reading.sensorType = known.sensorType;
  else if (reading.sensorType !== known.sensorType) {
    return refusals.invalid(`Sensor "${reading.sensor}" is of another sensor_type.`);
  }
  return undefined;
}
