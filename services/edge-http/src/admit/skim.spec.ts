import { create, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Skimmed, skimBatch } from "./skim.js";

const some = fc.record({
  device: fc.string({ unit: "grapheme" }),
  identity: fc.string(),
  high: fc.nat(0xffffffff),
  low: fc.nat(0xffffffff),
  receivedAt: fc.maxSafeNat(),
  sentAt: fc.option(fc.maxSafeNat(), { nil: undefined }),
  name: fc.string({ maxLength: 300 }),
});

function skim(data: Uint8Array): Skimmed[] {
  const found: Skimmed[] = [];
  skimBatch(data, (signal) => found.push(signal));
  return found;
}

describe("skimBatch", () => {
  it("finds what the full decoder finds", () => {
    fc.assert(
      fc.property(fc.array(some, { maxLength: 20 }), (given) => {
        const batch = create(signals.SignalBatchSchema, {
          signals: given.map(({ high, low, receivedAt, sentAt, name, ...rest }) => {
            const digest = new Uint8Array(8);
            new DataView(digest.buffer).setUint32(0, high);
            new DataView(digest.buffer).setUint32(4, low);
            return {
              ...rest,
              digest,
              receivedAt: BigInt(receivedAt),
              ...(sentAt === undefined ? {} : { sentAt: BigInt(sentAt) }),
              location: { latitude: 1, longitude: 2 },
              body: { case: "event" as const, value: { name } },
            };
          }),
        });
        expect(skim(toBinary(signals.SignalBatchSchema, batch))).toEqual(
          given.map(({ device, identity, high, low, sentAt, receivedAt }) => ({
            device,
            identity,
            digest: { high, low },
            sentAt: sentAt ?? receivedAt,
          })),
        );
      }),
    );
  });

  it("raises RangeError, and nothing else, for bytes that are no batch", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          skim(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
