import { create, fromBinary, isFieldSet, toBinary } from "@bufbuild/protobuf";
import { saf } from "@fieldlog/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeEventMessage, type EventMessage, type RawSensorEvent } from "./event-message.js";

const int32 = fc.integer({ min: -2_147_483_648, max: 2_147_483_647 });
const text = fc.string({ unit: "grapheme", maxLength: 30 });
const sensorTypes = saf.SensorTypeSchema.values.map(({ number }) => number as saf.SensorType);
const sensorEvent = fc.record(
  {
    sensorId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    sensorType: fc.constantFrom(...sensorTypes),
    readings: fc.array(fc.double({ noNaN: true }), { maxLength: 10 }),
    date: text,
    eventCount: int32,
    timeWindow: int32,
  },
  { requiredKeys: [] },
);
const message = fc.record(
  {
    clientSignature: fc.record(
      { date: text, messageId: fc.nat(0xffffffff), signature: text },
      { requiredKeys: [] },
    ),
    latitude: fc.double({ noNaN: true }),
    longitude: fc.double({ noNaN: true }),
    locationType: fc.constantFrom(
      ...saf.LocationSourceTypeSchema.values.map(({ number }) => number as number),
    ),
    event: sensorEvent,
    otherReadings: fc.array(sensorEvent, { maxLength: 3 }),
  },
  { requiredKeys: [] },
);

/** The same as the generated code has it. */
function generated(bytes: Uint8Array): EventMessage {
  const given = fromBinary(saf.EventMessageSchema, bytes);
  const of = saf.EventMessageSchema.field;
  const { clientSignature: signed } = given;
  const ofSignature = saf.ClientSignatureSchema.field;
  return {
    signature: signed && {
      date: isFieldSet(signed, ofSignature.date) ? signed.date : undefined,
      messageId: isFieldSet(signed, ofSignature.messageId) ? signed.messageId : undefined,
      signature: isFieldSet(signed, ofSignature.signature) ? signed.signature : undefined,
    },
    latitude: isFieldSet(given, of.latitude) ? given.latitude : undefined,
    longitude: isFieldSet(given, of.longitude) ? given.longitude : undefined,
    locationType: isFieldSet(given, of.locationType) ? given.locationType : undefined,
    event: given.event && sensorEventOf(given.event),
    otherReadings: given.otherReadings.map(sensorEventOf),
  };
}

function sensorEventOf(given: saf.EventMessage_SensorEvent): RawSensorEvent {
  const of = saf.EventMessage_SensorEventSchema.field;
  return {
    sensorId: isFieldSet(given, of.sensorId) ? String(given.sensorId) : undefined,
    sensorType: isFieldSet(given, of.sensorType) ? given.sensorType : undefined,
    readings: given.readings,
    date: isFieldSet(given, of.date) ? given.date : undefined,
    eventCount: isFieldSet(given, of.eventCount) ? given.eventCount : undefined,
    timeWindow: isFieldSet(given, of.timeWindow) ? given.timeWindow : undefined,
  };
}

describe("decodeEventMessage", () => {
  it("reads what the generated code reads", () => {
    fc.assert(
      fc.property(message, (init) => {
        const bytes = toBinary(saf.EventMessageSchema, create(saf.EventMessageSchema, init as object));
        expect(decodeEventMessage(bytes)).toEqual(generated(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it("reads a list of readings that is not packed, passes over unknown fields, and merges what is there twice", () => {
    const one = [0, 0, 0, 0, 0, 0, 0xf0, 0x3f];
    const event = [0x08, 7, 0x19, ...one, 0x19, ...one, 0x78, 1, 0x7a, 1, 9];
    const more = [0x28, 3];
    const bytes = new Uint8Array([
      0x2a,
      event.length,
      ...event,
      0x2a,
      more.length,
      ...more,
      0x7d,
      1,
      2,
      3,
      4,
    ]);
    expect(decodeEventMessage(bytes)?.event).toMatchObject({
      sensorId: "7",
      readings: [1, 1],
      eventCount: 3,
    });
  });

  it.each<[string, number[]]>([
    ["a field with another's wire type", [0x08, 1]],
    ["a nested field with another's wire type", [0x2a, 2, 0x20, 1]],
    ["field 0", [0x00, 1]],
    ["a group", [0x3b, 0x3c]],
    ["a nested message that runs over its parent", [0x0a, 5, 0x0a, 1, 65]],
    ["a field that runs over its message", [0x0a, 3, 0x0a, 9, 65, 65, 65, 65, 65, 65, 65, 65, 65]],
    ["half a number", [0x11, 0, 0, 0]],
    ["a varint without end", [0x20, ...Array(11).fill(0xff)]],
    ["readings that are no whole number of numbers", [0x2a, 5, 0x1a, 3, 0, 0, 0]],
  ])("refuses %s", (_what, bytes) => {
    expect(decodeEventMessage(new Uint8Array(bytes))).toBeUndefined();
  });
});
