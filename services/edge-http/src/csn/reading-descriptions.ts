import { isFieldSet } from "@bufbuild/protobuf";
import type { KnownDevice } from "@fieldlog/admission";
import { limits, saf } from "@fieldlog/contracts";
import { parseDate } from "./dates.js";
import { readLocation } from "./location.js";
import { Refusal, refusals } from "./refusal.js";
import { dataFormats } from "./words.js";

const field = saf.SensorReadingDescriptionSchema.field;

/** A stretch of recorded data that a client offers. */
export interface OfferedReading {
  readonly sensor: string;
  readonly current: boolean;
  readonly requestNumber: bigint;
  /** ms since 1970 UTC. */
  readonly start: number;
  readonly end: number;
  readonly format: string;
  readonly latitude?: number;
  readonly longitude?: number;
}

const required = ["sensorId", "startDate", "endDate", "dataFormat"] as const;

/** A9: sensor_id, both dates and data_format must be there, and current_data or request_id. */
export function readDescriptions(given: readonly saf.SensorReadingDescription[]): OfferedReading[] | Refusal {
  if (given.length > limits.offersPerMessage) {
    return refusals.invalid(`There are more than ${limits.offersPerMessage} offers.`);
  }
  const offers: OfferedReading[] = [];
  for (const one of given) {
    const offer = readDescription(one);
    if (offer instanceof Refusal) return offer;
    offers.push(offer);
  }
  return offers;
}

function readDescription(given: saf.SensorReadingDescription): OfferedReading | Refusal {
  for (const name of required) if (!isFieldSet(given, field[name])) return refusals.missing(field[name].name);
  const current = isFieldSet(given, field.currentData) && given.currentData;
  if (!current && !isFieldSet(given, field.requestId)) return refusals.missing("request_id");
  const [start, end] = [parseDate(given.startDate), parseDate(given.endDate)];
  if (start === undefined) return refusals.badDate(given.startDate);
  if (end === undefined) return refusals.badDate(given.endDate);
  if (end < start) return refusals.invalid("Field end_date lies before start_date.");
  const format = dataFormats.word(given.dataFormat);
  if (format === undefined) return refusals.missing(field.dataFormat.name);
  const location = readLocation(
    isFieldSet(given, field.latitude) ? given.latitude : undefined,
    isFieldSet(given, field.longitude) ? given.longitude : undefined,
    undefined,
  );
  if (location instanceof Refusal) return location;
  const place = location && { latitude: location.latitude, longitude: location.longitude };
  const requestNumber = isFieldSet(given, field.requestId) ? given.requestId : 0n;
  return { sensor: String(given.sensorId), current, requestNumber, start, end, format, ...place };
}

/** Of sensors that the client does not have. */
export function refuseSensors(
  offers: readonly OfferedReading[],
  sensors: KnownDevice["sensors"],
): Refusal | undefined {
  const unknown = offers.find(({ sensor }) => sensors.get(sensor)?.removed !== false);
  return unknown && refusals.unknownSensor(unknown.sensor);
}
