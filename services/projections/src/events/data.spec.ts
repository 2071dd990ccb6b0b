import { create } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import { readingsData } from "@fieldlog/events";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyEvent } from "../arbitrary.fixture.js";
import { type Reported, reported } from "./reported.js";

/** What JSON can say of it. */
const said = (value: number) => (Number.isFinite(value) ? value + 0 : null);
const saidReading = ({ values, sensor, sensorType, eventCount, windowS, occurredAt }: signals.Reading) => ({
  ...{ sensor, readings: values.map(said) },
  ...(sensorType === "" ? {} : { sensorType }),
  ...(eventCount === undefined ? {} : { eventCount }),
  ...(windowS === undefined ? {} : { timeWindow: windowS }),
  ...(occurredAt === undefined ? {} : { occurredAt: expect.any(String) }),
});

function dataOf(init: Parameters<typeof create<typeof signals.SignalSchema>>[1]) {
  const made = create(signals.SignalSchema, { ...init, device: "d" });
  const event = made.body.value as signals.Event;
  return { made, event, data: JSON.parse(readingsData(reported(made) as Reported, event)) };
}

describe("an event's data", () => {
  it("says what the device said, whatever that is", () => {
    fc.assert(
      fc.property(anyEvent, (init) => {
        const { made, event, data } = dataOf(init as never);
        const { location, sentAt } = made;
        expect(data).toEqual({
          ...(event.reading ? saidReading(event.reading) : {}),
          ...(location
            ? {
                location: {
                  ...{ latitude: said(location.latitude), longitude: said(location.longitude) },
                  ...(location.source === "" ? {} : { source: location.source }),
                },
              }
            : {}),
          ...(event.otherReadings.length > 0 ? { otherReadings: event.otherReadings.map(saidReading) } : {}),
          ...(sentAt === undefined ? {} : { sentAt: expect.any(String) }),
          receivedAt: expect.any(String),
        });
      }),
    );
  });

  it("is little when the device said little", () => {
    expect(dataOf({ body: { case: "event", value: { name: "x" } } }).data).toEqual({
      receivedAt: "1970-01-01T00:00:00.000Z",
    });
  });
});
