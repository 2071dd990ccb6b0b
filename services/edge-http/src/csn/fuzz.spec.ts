import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readEditorTokenRequest, readKeyValueRequest } from "./client-requests.js";
import { readOffers } from "./data-offers.js";
import { readEvent } from "./event.js";
import { bytes, dbl, doubles, heartbeat, len, num, pick, signature } from "./hand.fixture.js";
import { readHeartbeat } from "./heartbeat.js";
import { readLegacyQuery, readNameQuery, readRecentQuery, readUuidQuery } from "./queries.js";
import { Refusal } from "./refusal.js";
import { readCreate, readMetadataRequest, readUpdate } from "./registration.js";

const signing = { id: 7, secret: "s", date: "2014-04-13T19:42:17.744" };
const sensor = [...num(1, 1), ...num(2, 64), ...len(3, "model"), ...num(5, 1), ...num(7, 5)];
const client = [
  ...[...dbl(1, 34.1), ...dbl(2, -118.2), ...num(3, 2), ...len(4, "roof"), ...num(8, 4)],
  ...len(15, [...len(1, "key"), ...dbl(3, 1.5)]),
  ...len(15, [...len(1, "other"), ...num(15, 1)]),
];

const offered = [
  ...[...num(1, 0), ...num(2, 1), ...len(4, signing.date), ...len(5, signing.date)],
  ...[...dbl(6, 34.1), ...dbl(7, -118.2), ...num(8, 1)],
];

/** Every reader, with a message that it takes. */
const readers = {
  event: {
    read: readEvent,
    good: pick(signing, { type: 0, more: len(6, [...num(1, 1), ...doubles(3, [1, 2])]) }),
  },
  heartbeat: {
    read: (data: Uint8Array) => readHeartbeat(data, "SAFCSNclient v1.0b"),
    good: heartbeat(signing, [...num(6, 0), ...num(7, 1), ...len(9, offered), ...len(9, offered)]),
  },
  create: { read: readCreate, good: bytes(len(1, client), len(2, sensor), len(2, sensor)) },
  update: {
    read: readUpdate,
    good: bytes(signature(signing), len(2, client), len(3, sensor), len(4, sensor), len(5, [1, 2, 3])),
  },
  metadata: { read: readMetadataRequest, good: bytes(signature(signing), num(2, 1)) },
  offers: { read: readOffers, good: bytes(signature(signing), len(2, offered), len(2, offered)) },
  "key-values": { read: readKeyValueRequest, good: bytes(signature(signing), len(2, "a"), len(2, "b")) },
  "edit token": { read: readEditorTokenRequest, good: bytes(signature(signing)) },
  "name query": { read: readNameQuery, good: bytes(len(1, "roof")) },
  "UUID query": { read: readUuidQuery, good: bytes(len(1, "8d6e2b9c-0000-4000-8000-000000000000")) },
  "legacy query": { read: readLegacyQuery, good: bytes(len(1, "key"), num(2, 7)) },
  "recent events": {
    read: readRecentQuery,
    good: bytes(num(1, 10), num(2, 0), num(3, 1), num(4, 4096), num(15, 1)),
  },
};

/** A good message with some bytes changed, cut out or put in. */
const mutations = (good: Uint8Array) =>
  fc
    .array(
      fc.record({ at: fc.nat(good.length), remove: fc.nat(4), insert: fc.uint8Array({ maxLength: 4 }) }),
      { minLength: 1, maxLength: 4 },
    )
    .map((edits) => {
      let data = [...good];
      for (const { at, remove, insert } of edits) {
        data = [...data.slice(0, at), ...insert, ...data.slice(at + remove)];
      }
      return new Uint8Array(data);
    });

describe.each(Object.entries(readers))("the reader of %s", (_name, { read, good }) => {
  it("takes a good message", () => {
    expect(read(good)).not.toBeInstanceOf(Refusal);
  });

  it("answers any bytes with a value: what they say, or a refusal", () => {
    const any = fc.oneof(fc.uint8Array({ maxLength: 300 }), mutations(good));
    fc.assert(
      fc.property(any, (data) => {
        const result = read(data);
        expect(typeof result).toBe("object");
        if (result instanceof Refusal) expect([result.http, result.type]).toEqual([400, 2]);
      }),
      { numRuns: 5_000 },
    );
  });

  it("is done soon with what is as large as it may be and made to be slow", () => {
    const size = 512 * 1024;
    const repeated = (...part: number[]) => {
      const data = new Uint8Array(size - (size % part.length));
      for (let i = 0; i < data.length; i++) data[i] = part[i % part.length] as number;
      return data;
    };
    const nasty = [
      ...[2, 3, 4, 6, 10, 15].map((field) => repeated(field * 8 + 2, 0)),
      ...[2, 3, 4, 6, 10].map((field) => repeated(field * 8 + 2, 2, 8, 0)),
      repeated(0x30, 0),
      repeated(0x7a, 1, 0),
      repeated(0xff),
      bytes(len(5, Array(size - 16).fill(1))),
      bytes(len(1, len(1, "2".repeat(size - 16)))),
      bytes(len(5, [...num(1, 0), ...doubles(3, Array(60_000).fill(1))])),
    ];
    for (const data of nasty) {
      const started = performance.now();
      read(data);
      expect(performance.now() - started).toBeLessThan(500);
    }
  });
});
