import fc from "fast-check";

const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "grapheme", maxLength: 4 }),
  fc.constantFrom("", "0", "accelerometer-3-axis", 'a"b\\\n'),
);
const double = fc.double();
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const millis = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: 0n, max: 2n ** 42n }),
);
const reading = fc.record({
  ...{ sensor: text, sensorType: text, values: fc.array(double, { maxLength: 4 }) },
  ...{ occurredAt: optional(millis), eventCount: optional(int32), windowS: optional(int32) },
});
const event = fc.record({
  name: text,
  reading: optional(reading),
  otherReadings: fc.array(reading, { maxLength: 3 }),
});
const heartbeat = fc.record({
  status: text,
  rates: fc.array(fc.record({ sensor: text, eventCount: int32, windowS: int32 }), { maxLength: 3 }),
  connectedSensors: fc.array(text, { maxLength: 2 }),
});
const common = {
  ...{ device: text, identity: text, digest: fc.uint8Array({ maxLength: 8 }), traceParent: text },
  ...{ receivedAt: millis, occurredAt: millis, sentAt: optional(millis) },
  location: optional(fc.record({ latitude: double, longitude: double, source: text })),
};

/** Any event, heartbeat or signal that reports nothing, as `create(SignalSchema, …)` takes it. */
export const anyEvent = fc.record({
  ...common,
  body: fc.record({ case: fc.constant("event" as const), value: event }),
});
export const anySignal = fc.oneof(
  anyEvent,
  fc.record({ ...common, body: fc.record({ case: fc.constant("heartbeat" as const), value: heartbeat }) }),
  fc.record({ ...common, body: fc.constant({ case: undefined }) }),
);
