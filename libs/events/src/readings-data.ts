import { quoted } from "./cloud-event.js";
import { instant } from "./instant.js";
import type { ReportedLocation, ReportedReading, ReportedReadings, ReportedSignal } from "./reported.js";

/**
 * The `data` of an event that tells what sensors measured, as JSON text. What the device did not say is absent.
 *
 * Written out by hand because it is made for every event: through an object and JSON.stringify it was the
 * largest part of what applying an event costs.
 */
export function readingsData(signal: ReportedSignal, event: ReportedReadings): string {
  const { location, sentAt, receivedAt } = signal;
  let json = "{";
  if (event.reading) json += `${fieldsOf(event.reading)},`;
  if (location) json += `"location":${place(location)},`;
  if (event.otherReadings.length > 0)
    json += `"otherReadings":[${event.otherReadings.map(enclosed).join(",")}],`;
  if (sentAt !== undefined) json += `"sentAt":"${instant(sentAt)}",`;
  return `${json}"receivedAt":"${instant(receivedAt)}"}`;
}

function fieldsOf(reading: ReportedReading): string {
  const { sensor, sensorType, values, eventCount, windowS, occurredAt } = reading;
  let json = `"sensor":${quoted(sensor)},"readings":${numbers(values)}`;
  if (sensorType !== "") json += `,"sensorType":${quoted(sensorType)}`;
  if (eventCount !== undefined) json += `,"eventCount":${eventCount}`;
  if (windowS !== undefined) json += `,"timeWindow":${windowS}`;
  if (occurredAt !== undefined) json += `,"occurredAt":"${instant(occurredAt)}"`;
  return json;
}

function enclosed(reading: ReportedReading): string {
  return `{${fieldsOf(reading)}}`;
}

function place({ latitude, longitude, source }: ReportedLocation): string {
  const where = `"latitude":${number(latitude)},"longitude":${number(longitude)}`;
  return source === "" ? `{${where}}` : `{${where},"source":${quoted(source)}}`;
}

function numbers(values: readonly number[]): string {
  if (values.length === 0) return "[]";
  let json = `[${number(values[0] as number)}`;
  for (let i = 1; i < values.length; i++) json += `,${number(values[i] as number)}`;
  return `${json}]`;
}

/** JSON has no word for what is not finite. */
function number(value: number): string {
  return Number.isFinite(value) ? String(value) : "null";
}
