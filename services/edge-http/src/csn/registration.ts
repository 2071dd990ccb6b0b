import { isFieldSet, type MessageInitShape } from "@bufbuild/protobuf";
import { type devices, limits, saf } from "@fieldlog/contracts";
import { Refusal, refusals } from "./refusal.js";
import type { KnownSensors } from "./sensors.js";
import { rawSignature, readSigned, type Signed } from "./signed.js";
import { decode } from "./wire.js";
import { toDetails, toMetadata, typeOf } from "./words.js";

type Create = MessageInitShape<typeof devices.RegisterDeviceRequestSchema>;
type Update = MessageInitShape<typeof devices.UpdateDeviceRequestSchema>;
type NewSensor = MessageInitShape<typeof devices.NewSensorSchema>;
type ChangedSensor = MessageInitShape<typeof devices.ChangedSensorSchema>;

const sensorField = saf.SensorMetadataSchema.field;

/** A registration; may be empty, but each sensor needs its type (A6). */
export function readCreate(bytes: Uint8Array): Pick<Create, "metadata" | "sensors"> | Refusal {
  const message = decode(saf.ClientCreateMessageSchema, bytes);
  if (message === undefined) return refusals.undecodable;
  const taken = toMetadata(message.clientData);
  if (taken instanceof Refusal) return taken;
  const sensors = readNew(message.attachedSensors);
  return sensors instanceof Refusal ? sensors : { metadata: taken.metadata, sensors };
}

export interface UpdateMessage {
  readonly signed: Signed;
  readonly update: Pick<
    Update,
    "metadata" | "unsetProperties" | "newSensors" | "changedSensors" | "removedSensors"
  >;
  /** Types that the sender gave with sensors it has already; they cannot be changed. */
  readonly claimedTypes: ReadonlyMap<string, string>;
}

/** A change of metadata and sensors (A6). */
export function readUpdate(bytes: Uint8Array): UpdateMessage | Refusal {
  const message = decode(saf.ClientUpdateMessageSchema, bytes);
  if (message === undefined) return refusals.undecodable;
  if (message.clientSignature === undefined) return refusals.missing("client_signature");
  const taken = toMetadata(message.clientData);
  if (taken instanceof Refusal) return taken;
  const newSensors = readNew(message.newSensors);
  if (newSensors instanceof Refusal) return newSensors;
  if (Math.max(message.updatedSensors.length, message.removedSensors.length) > limits.sensorsPerDevice) {
    return tooManySensors;
  }
  const changedSensors: ChangedSensor[] = [];
  const claimedTypes = new Map<string, string>();
  for (const sensor of message.updatedSensors) {
    if (!isFieldSet(sensor, sensorField.sensorId)) return refusals.missing("sensor_id");
    const details = toDetails(sensor);
    if (details instanceof Refusal) return details;
    const id = String(sensor.sensorId);
    const claimed = typeOf(sensor);
    if (claimed !== undefined) claimedTypes.set(id, claimed);
    changedSensors.push({ id, details });
  }
  const signed = readSigned(rawSignature(message.clientSignature));
  if (signed instanceof Refusal) return signed;
  const update = {
    metadata: taken.metadata,
    unsetProperties: taken.unset,
    newSensors,
    changedSensors,
    removedSensors: message.removedSensors.map(String),
  };
  return { signed, update, claimedTypes };
}

/** A sensor's type never changes: remove the sensor and add another (A6). */
export function refuseClaims(claimed: ReadonlyMap<string, string>, sensors: KnownSensors) {
  for (const [id, type] of claimed) {
    const known = sensors.get(id);
    if (known !== undefined && known.sensorType !== type) {
      return refusals.invalid(`Sensor "${id}" is of another sensor_type, which cannot be changed.`);
    }
  }
  return undefined;
}

export function readMetadataRequest(
  bytes: Uint8Array,
): { signed: Signed; includeSensors: boolean } | Refusal {
  const message = decode(saf.ClientMetadataRequestSchema, bytes);
  if (message === undefined) return refusals.undecodable;
  if (message.clientSignature === undefined) return refusals.missing("client_signature");
  const signed = readSigned(rawSignature(message.clientSignature));
  return signed instanceof Refusal ? signed : { signed, includeSensors: message.includeSensorData };
}

const tooManySensors = refusals.invalid(`There are more than ${limits.sensorsPerDevice} sensors.`);

function readNew(given: readonly saf.SensorMetadata[]): NewSensor[] | Refusal {
  if (given.length > limits.sensorsPerDevice) return tooManySensors;
  const sensors: NewSensor[] = [];
  for (const sensor of given) {
    const sensorType = typeOf(sensor);
    if (sensorType === undefined) return refusals.missing("sensor_type");
    const details = toDetails(sensor);
    if (details instanceof Refusal) return details;
    sensors.push({ sensorType, details });
  }
  return sensors;
}
