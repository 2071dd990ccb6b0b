import { isFieldSet } from "@bufbuild/protobuf";
import type { HeartbeatDraft } from "@fieldlog/admission";
import { limits, saf } from "@fieldlog/contracts";
import type { Reported } from "./event.js";
import { readLocation } from "./location.js";
import { type OfferedReading, readDescriptions } from "./reading-descriptions.js";
import { Refusal, refusals } from "./refusal.js";
import { rawSignature, readSigned } from "./signed.js";
import { decode } from "./wire.js";
import { statusChanges } from "./words.js";

/** A heartbeat, and the current data that it offers. */
export interface ReportedHeartbeat extends Reported {
  readonly body: { readonly case: "heartbeat"; readonly value: HeartbeatDraft };
  readonly offers: readonly OfferedReading[];
}

const field = saf.HeartbeatMessageSchema.field;
const rateField = saf.HeartbeatMessage_SensorEventRateSchema.field;

/** A7: the 2015 reference client says so in its User-Agent, and swaps the two numbers of an event rate. */
const SWAPS_RATES = "SAFCSNclient";

/** A heartbeat (A7): only the signature is required. */
export function readHeartbeat(bytes: Uint8Array, userAgent: string | undefined): ReportedHeartbeat | Refusal {
  const message = decode(saf.HeartbeatMessageSchema, bytes);
  if (message === undefined) return refusals.undecodable;
  if (message.clientSignature === undefined) return refusals.missing("client_signature");
  const { eventRates, connectedSensors, disconnectedSensors } = message;
  for (const rate of eventRates) {
    for (const name of ["sensorId", "eventCount", "timeWindow"] as const) {
      if (!isFieldSet(rate, rateField[name])) return refusals.missing(rateField[name].name);
    }
  }
  const signed = readSigned(rawSignature(message.clientSignature));
  if (signed instanceof Refusal) return signed;
  const location = readLocation(
    isFieldSet(message, field.latitude) ? message.latitude : undefined,
    isFieldSet(message, field.longitude) ? message.longitude : undefined,
    isFieldSet(message, field.locationSourceType) ? message.locationSourceType : undefined,
  );
  if (location instanceof Refusal) return location;
  const sensors = Math.max(eventRates.length, connectedSensors.length, disconnectedSensors.length);
  if (sensors > limits.sensorsPerDevice) {
    return refusals.invalid(`There are more than ${limits.sensorsPerDevice} sensors.`);
  }
  const rates = readRates(eventRates, userAgent?.startsWith(SWAPS_RATES) === true);
  if (rates instanceof Refusal) return rates;
  const value: HeartbeatDraft = {
    status:
      (isFieldSet(message, field.statusChange) ? statusChanges.word(message.statusChange) : undefined) ?? "",
    rates,
    connectedSensors: connectedSensors.map(String),
    disconnectedSensors: disconnectedSensors.map(String),
    latestRequestId: isFieldSet(message, field.latestRequestId) ? message.latestRequestId : undefined,
  };
  const offers = readDescriptions(message.currentDataOffers);
  if (offers instanceof Refusal) return offers;
  return { signed, occurredAt: signed.sentAt, location, body: { case: "heartbeat", value }, offers };
}

function readRates(given: readonly saf.HeartbeatMessage_SensorEventRate[], swapped: boolean) {
  const rates: { sensor: string; eventCount: number; windowS: number }[] = [];
  for (const rate of given) {
    if (rate.eventCount < 0) return refusals.invalid("Field event_count is negative.");
    if (rate.timeWindow < 0) return refusals.invalid("Field time_window is negative.");
    rates.push({
      sensor: String(rate.sensorId),
      eventCount: swapped ? rate.timeWindow : rate.eventCount,
      windowS: swapped ? rate.eventCount : rate.timeWindow,
    });
  }
  return rates;
}
