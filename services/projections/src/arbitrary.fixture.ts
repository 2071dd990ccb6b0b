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
const details = fc.record({
  ...{ action: optional(text), value: optional(text), place: optional(text), source: text, subject: text },
  ...{ dataSchema: text, dataContentType: fc.oneof(text, fc.constant("text/plain")) },
  data: fc.oneof(fc.constant(new Uint8Array()), fc.json().map(Buffer.from)),
  extensions: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), text, { maxKeys: 2 }),
  issuer: fc.constantFrom("", "liveness", "ö"),
});
const bare = fc.record({
  name: text,
  reading: optional(reading),
  otherReadings: fc.array(reading, { maxLength: 3 }),
});
const event = fc.oneof(
  bare,
  fc.tuple(bare, details).map(([one, more]) => ({ ...one, ...more })),
);
const heartbeat = fc.record({
  status: text,
  rates: fc.array(fc.record({ sensor: text, eventCount: int32, windowS: int32 }), { maxLength: 3 }),
  connectedSensors: fc.array(text, { maxLength: 2 }),
});
const common = {
  ...{ device: text, identity: text, digest: fc.uint8Array({ maxLength: 8 }), traceParent: text },
  ...{ receivedAt: millis, occurredAt: millis, sentAt: optional(millis) },
  location: optional(fc.record({ latitude: double, longitude: double, source: text })),
  publication: optional(
    fc.record({
      ...{ topic: fc.oneof(text, fc.constant("configurations/d")), clientId: text, qos: fc.nat(2) },
      ...{ retain: fc.boolean(), correlationData: fc.uint8Array({ maxLength: 3 }) },
      ...{ expiresAt: optional(millis), userProperties: fc.array(fc.record({ key: text, value: text })) },
    }),
  ),
};
const uint32 = fc.nat(2 ** 32 - 1);
const measurement = fc.record({
  ...{ occurredAt: double, revision: optional(uint32) },
  ...{ attributes: fc.array(text, { maxLength: 3 }), values: fc.array(double, { maxLength: 3 }) },
});
const logEntry = fc.record({
  ...{ occurredAt: double, severity: text, revision: optional(uint32) },
  ...{ message: text, details: optional(text), divided: fc.boolean() },
});
const acknowledgment = fc.record({ revision: uint32, success: fc.boolean(), occurredAt: double });
const some = <T>(of: fc.Arbitrary<T>) => fc.array(of, { maxLength: 3 });
const body = <C extends string, V>(name: C, value: fc.Arbitrary<V>) =>
  fc.record({ ...common, body: fc.record({ case: fc.constant(name), value }) });

/** Any signal with such a body, as `create(SignalSchema, …)` takes it. */
export const anyEvent = body("event", event);
const anyMeasurements = body("measurements", fc.record({ measurements: some(measurement) }));
const anyMessage = body("message", fc.record({ payload: fc.uint8Array({ maxLength: 8 }) }));

/** Any signal, as `create(SignalSchema, …)` takes it. */
export const anySignal = fc.oneof(
  ...[anyEvent, anyMeasurements, anyMessage, body("heartbeat", heartbeat)],
  body("logEntries", fc.record({ entries: some(logEntry) })),
  body("acknowledgments", fc.record({ acknowledgments: some(acknowledgment) })),
  body("rejection", fc.record({ topic: text, reason: text, count: uint32 })),
  fc.record({ ...common, body: fc.constant({ case: undefined }) }),
);
