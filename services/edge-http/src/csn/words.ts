import { type DescEnum, type DescField, isFieldSet, type MessageInitShape } from "@bufbuild/protobuf";
import { limits, type registry, saf } from "@fieldlog/contracts";
import { type Refusal, refusals } from "./refusal.js";

// The one place where CSN's values become domain words, and back.

export const sensorTypes = wordsOf(saf.SensorTypeSchema);
export const locationSources = wordsOf(saf.LocationSourceTypeSchema);
const mobilities = wordsOf(saf.ClientMetadata_MobilityTypeSchema);
export const dataFormats = wordsOf(saf.SensorReadingDescription_DataFormatSchema);
export const statusChanges = wordsOf(saf.HeartbeatMessage_StatusChangeSchema);

/** What a CSN event is in the domain: CloudEvents `type`. */
export const PICK = "pick";
/** What a CSN client is in the domain. */
export const DIALECT = "csn";
export const CREDENTIAL_KIND = "csn-secret";

type MetadataInit = MessageInitShape<typeof registry.DeviceMetadataSchema>;
type DetailsInit = MessageInitShape<typeof registry.SensorDetailsSchema>;
type PropertyInit = MessageInitShape<typeof registry.PropertyValueSchema>;

const field = saf.ClientMetadataSchema.field;
const sensorField = saf.SensorMetadataSchema.field;
const pairField = saf.KeyValueSchema.field;

/** Domain names of the text fields that are taken over as they are. */
const texts = [
  ["name", field.name],
  ["locationDescription", field.locationDescription],
  ["floor", field.floor],
  ["building", field.building],
  ["softwareVersion", field.softwareVersion],
  ["operatingSystem", field.operatingSystem],
  ["uuid", field.uuid],
  ["legacyIdentifier", field.legacyIdentifier],
] as const;

/** A client's data as device metadata; only what is set (A6). */
export function toMetadata(
  data: saf.ClientMetadata | undefined,
): { metadata: MetadataInit; unset: string[] } | Refusal {
  const properties: Record<string, PropertyInit> = {};
  const unset: string[] = [];
  const metadata: MetadataInit = { properties };
  if (data === undefined) return { metadata, unset };
  for (const [name, desc] of texts) {
    if (!isFieldSet(data, desc)) continue;
    const refusal = refuseText(desc, data[name]);
    if (refusal) return refusal;
    metadata[name] = data[name];
  }
  for (const [name, limit] of [["latitude", 90] as const, ["longitude", 180] as const]) {
    if (!isFieldSet(data, field[name])) continue;
    if (!isWithin(data[name], limit)) return refusals.invalid(`Field ${name} is out of range.`);
    metadata[name] = data[name];
  }
  if (isFieldSet(data, field.locationSourceType)) {
    metadata.locationSource = locationSources.word(data.locationSourceType);
  }
  if (isFieldSet(data, field.mobilityType)) metadata.mobility = mobilities.word(data.mobilityType);
  if (data.otherMetadata.length > limits.propertiesPerDevice) {
    return refusals.invalid(`There are more than ${limits.propertiesPerDevice} entries in other_metadata.`);
  }
  for (const pair of data.otherMetadata) {
    const refusal = takeProperty(pair, properties, unset);
    if (refusal) return refusal;
  }
  return { metadata, unset };
}

function takeProperty(
  pair: saf.KeyValue,
  properties: Record<string, PropertyInit>,
  unset: string[],
): Refusal | undefined {
  if (!isFieldSet(pair, pairField.key)) return refusals.missing("key");
  const { key } = pair;
  if (key === "" || key === "__proto__") return refusals.invalid(`"${key}" cannot be a key.`);
  const refusal = refuseText(pairField.key, key) ?? refuseText(pairField.stringValue, pair.stringValue);
  if (refusal) return refusal;
  if (isFieldSet(pair, pairField.unset) && pair.unset) unset.push(key);
  else if (isFieldSet(pair, pairField.stringValue)) {
    properties[key] = { value: { case: "text", value: pair.stringValue } };
  } else if (isFieldSet(pair, pairField.doubleValue)) {
    if (!Number.isFinite(pair.doubleValue)) return refusals.invalid("Field double_value is not a number.");
    properties[key] = { value: { case: "number", value: pair.doubleValue } };
  } else if (isFieldSet(pair, pairField.longValue)) {
    properties[key] = { value: { case: "integer", value: pair.longValue } };
  } else if (isFieldSet(pair, pairField.boolValue)) {
    properties[key] = { value: { case: "flag", value: pair.boolValue } };
  } else return refusals.missing("string_value");
  return undefined;
}

/** Device metadata as a client's data. What CSN has no word for is left out. */
export function fromMetadata(
  metadata: registry.DeviceMetadata | undefined,
): MessageInitShape<typeof saf.ClientMetadataSchema> {
  if (metadata === undefined) return {};
  const data: MessageInitShape<typeof saf.ClientMetadataSchema> = {};
  for (const [name] of texts) if (metadata[name] !== undefined) data[name] = metadata[name];
  if (metadata.latitude !== undefined) data.latitude = metadata.latitude;
  if (metadata.longitude !== undefined) data.longitude = metadata.longitude;
  const source = locationSources.number(metadata.locationSource);
  if (source !== undefined) data.locationSourceType = source;
  const mobility = mobilities.number(metadata.mobility);
  if (mobility !== undefined) data.mobilityType = mobility;
  data.otherMetadata = Object.entries(metadata.properties).map(([key, value]) => fromProperty(key, value));
  return data;
}

export function fromProperty(
  key: string,
  { value }: registry.PropertyValue,
): MessageInitShape<typeof saf.KeyValueSchema> {
  switch (value.case) {
    case "text":
      return { key, stringValue: value.value };
    case "number":
      return { key, doubleValue: value.value };
    case "integer":
      return { key, longValue: value.value };
    case "flag":
      return { key, boolValue: value.value };
    default:
      return { key };
  }
}

/** What can be changed about a sensor; only what is set. */
export function toDetails(sensor: saf.SensorMetadata): DetailsInit | Refusal {
  const details: DetailsInit = {};
  for (const name of ["model", "serial", "units"] as const) {
    if (!isFieldSet(sensor, sensorField[name])) continue;
    const refusal = refuseText(sensorField[name], sensor[name]);
    if (refusal) return refusal;
    details[name] = sensor[name];
  }
  for (const name of ["numSamples", "sampleWindowSize"] as const) {
    if (isFieldSet(sensor, sensorField[name])) details[name] = sensor[name];
  }
  if (isFieldSet(sensor, sensorField.calibrated)) details.calibrated = sensor.calibrated;
  return details;
}

/** The type that a sensor is said to have; undefined: it is not said. */
export function typeOf(sensor: saf.SensorMetadata): string | undefined {
  return isFieldSet(sensor, sensorField.sensorType) ? sensorTypes.word(sensor.sensorType) : undefined;
}

export function fromSensor(
  id: string,
  sensorType: string,
  details: registry.SensorDetails | undefined,
): MessageInitShape<typeof saf.SensorMetadataSchema> {
  const { $typeName: _, $unknown: __, ...set } = details ?? ({} as Partial<registry.SensorDetails>);
  return {
    sensorId: BigInt(id),
    sensorType: sensorTypes.number(sensorType) ?? saf.SensorType.OTHER,
    ...Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined)),
  };
}

/** Degrees on either side of zero. */
export function isWithin(degrees: number, limit: number): boolean {
  return degrees >= -limit && degrees <= limit; // false for NaN
}

/** Too long, or with a NUL, which no table can hold. */
function refuseText(desc: DescField, text: string): Refusal | undefined {
  if (text.length > limits.textLength) {
    return refusals.invalid(`Field ${desc.name} is longer than ${limits.textLength} characters.`);
  }
  return text.includes("\0") ? refusals.invalid(`Field ${desc.name} contains a NUL character.`) : undefined;
}

/** The words of an enum: its names in kebab case. */
function wordsOf(desc: DescEnum) {
  const words = new Map<number, string>();
  const numbers = new Map<string, number>();
  for (const { name, number } of desc.values) {
    const word = name.toLowerCase().replaceAll("_", "-");
    words.set(number, word);
    numbers.set(word, number);
  }
  return {
    /** Undefined: the enum has no such number. */
    word: (number: number) => words.get(number),
    number: (word: string | undefined) => (word === undefined ? undefined : numbers.get(word)),
  };
}
