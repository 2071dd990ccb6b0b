import { create, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeBatch, encodeBatch, lengthInBatch } from "./batch.js";

const signal = fc
  .record({
    device: fc.string({ maxLength: 20 }),
    identity: fc.string({ maxLength: 300 }),
    digest: fc.uint8Array(),
  })
  .map((fields) => create(signals.SignalSchema, fields));

describe("encodeBatch", () => {
  it("puts encoded signals together to what the protobuf library encodes", () => {
    fc.assert(
      fc.property(fc.array(signal, { maxLength: 30 }), (list) => {
        const encoded = list.map((each) => toBinary(signals.SignalSchema, each));
        const batch = encodeBatch(encoded);
        const expected = toBinary(
          signals.SignalBatchSchema,
          create(signals.SignalBatchSchema, { signals: list }),
        );
        expect(Buffer.from(batch).equals(expected)).toBe(true);
        expect(batch.length).toBe(encoded.reduce((sum, each) => sum + lengthInBatch(each), 0));
      }),
    );
  });

  it("is read back in order", () => {
    const encoded = ["a", "b"].map((device) =>
      toBinary(
        signals.SignalSchema,
        create(signals.SignalSchema, { device, digest: new Uint8Array(20_000) }),
      ),
    );
    expect(decodeBatch(encodeBatch(encoded)).map((each) => each.device)).toEqual(["a", "b"]);
  });
});
