import { create, toBinary } from "@bufbuild/protobuf";
import { positionOf, signals } from "@fieldlog/contracts";
import { encodeBatch } from "@fieldlog/event-log";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventTopicOf } from "../events/topics.js";
import { outboundMessage } from "./outbound-message.js";
import { skimPublished } from "./skim.js";

const publication = fc
  .record({
    topic: fc.string({ minLength: 1, maxLength: 40, unit: "binary" }).filter((text) => text.isWellFormed()),
    qos: fc.integer({ min: 0, max: 2 }),
    retain: fc.boolean(),
    clientId: fc.string({ maxLength: 200 }),
    contentType: fc.string({ maxLength: 10 }),
    expiresAt: fc.option(fc.bigInt({ min: 0n, max: 2n ** 50n }), { nil: undefined }),
  })
  .map((fields) => create(signals.PublicationSchema, fields));

const body = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((payload) => ({ case: "message" as const, value: { payload } })),
  fc.constant({ case: "rejection" as const, value: { topic: "t", reason: "r", count: 1 } }),
  fc
    .record({ name: fc.constantFrom("", "Light", "a/b +#%"), action: fc.constantFrom(undefined, "on") })
    .map((value) => ({ case: "event" as const, value: create(signals.EventSchema, value) })),
  fc.constant({ case: "heartbeat" as const, value: { status: "update" } }),
  fc.constant({ case: undefined }),
);

const signal = fc.record({
  device: fc.string({ maxLength: 20 }),
  identity: fc.string({ maxLength: 20 }),
  digest: fc.uint8Array({ maxLength: 8 }),
  receivedAt: fc.bigInt({ min: -(2n ** 50n), max: 2n ** 50n }),
  sentAt: fc.option(fc.bigInt({ min: 0n, max: 2n ** 50n }), { nil: undefined }),
  location: fc.option(fc.constant({ latitude: 1.5, longitude: -2, source: "gps" }), { nil: undefined }),
  publication: fc.option(publication, { nil: undefined }),
  body,
});

describe("skimPublished", () => {
  it("reads what the protobuf library reads", () => {
    fc.assert(
      fc.property(fc.array(signal, { maxLength: 20 }), fc.integer({ min: 1, max: 1e9 }), (list, sequence) => {
        const made = list.map((fields) => create(signals.SignalSchema, fields as never));
        const data = encodeBatch(made.map((each) => toBinary(signals.SignalSchema, each)));
        const expected = made.flatMap(({ device, publication, body }, index) =>
          body.case === "event"
            ? [
                {
                  position: positionOf(sequence, index),
                  topic: eventTopicOf({ device, name: body.value.name }),
                  ...{ qos: 2, retain: false, clientId: publication?.clientId ?? "" },
                },
              ]
            : publication && body.case === "message"
              ? [
                  {
                    position: positionOf(sequence, index),
                    topic: publication.topic,
                    qos: publication.qos,
                    retain: publication.retain,
                    clientId: publication.clientId,
                  },
                ]
              : [],
        );
        const found = skimPublished(sequence, data);
        expect(found.map(({ start, end, ...rest }) => rest)).toEqual(expected);
        for (const { position, start, end, topic } of found) {
          const message = outboundMessage({ id: "0123", name: "here" }, position, data.subarray(start, end));
          expect(message).toMatchObject({ position, topic });
        }
      }),
    );
  });

  it("raises RangeError for bytes that are no batch, whatever they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          skimPublished(1, bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
