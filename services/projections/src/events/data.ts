import type { signals } from "@fieldlog/contracts";
import { instant } from "../instant.js";

/** An event's `data` in the native API, as JSON text. What the device did not say is absent. */
export function eventData(signal: signals.Signal, event: signals.Event): string {
  const { location, sentAt, receivedAt } = signal;
  return JSON.stringify({
    ...(event.reading ? reading(event.reading) : {}),
    ...(location ? { location: place(location) } : {}),
    ...(event.otherReadings.length > 0 ? { otherReadings: event.otherReadings.map(reading) } : {}),
    ...(sentAt === undefined ? {} : { sentAt: instant(sentAt) }),
    receivedAt: instant(receivedAt),
  });
}

function reading(of: signals.Reading) {
  return {
    sensor: of.sensor,
    sensorType: of.sensorType === "" ? undefined : of.sensorType,
    readings: of.values,
    eventCount: of.eventCount,
    timeWindow: of.windowS,
    occurredAt: of.occurredAt === undefined ? undefined : instant(of.occurredAt),
  };
}

function place({ latitude, longitude, source }: signals.Location) {
  return { latitude, longitude, source: source === "" ? undefined : source };
}
