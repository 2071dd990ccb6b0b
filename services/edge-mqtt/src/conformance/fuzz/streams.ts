import fc from "fast-check";
import { framed, u8, varint } from "../wire/bytes.js";
import { type ConnectFields, packetsOf, type Version } from "../wire/packets.js";
import { type Property, property } from "../wire/properties.js";

/** What one connection sends: chunks, each after a pause. */
export interface Stream {
  readonly chunks: readonly { readonly bytes: Uint8Array; readonly pauseMs: number }[];
  /** How the client leaves: with FIN, with RST, or not at all until the others are done. */
  readonly leaves: "end" | "reset" | "stays";
}

const topic = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("fuzz", "fuzz/a", "fuzz/a/b", "/", "fuzz//", "measurements/x") },
  { weight: 1, arbitrary: fc.constantFrom("", "#", "a/#", "+", "$SYS/x", "$share/g/t", "configurations/x") },
  { weight: 1, arbitrary: fc.string({ maxLength: 60 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
);
const filter = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("fuzz/#", "fuzz/+", "+/a", "$share/g/fuzz/#", "$share/g/+") },
  { weight: 1, arbitrary: fc.constantFrom("", "#/a", "a#", "$share//a", "$share/g", "+a", "/".repeat(200)) },
  { weight: 1, arbitrary: topic },
);
const payload = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 64 }) },
  { weight: 1, arbitrary: fc.constantFrom(new Uint8Array(5_000), new Uint8Array(300_000)) },
);
const id = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(0, 65_535));
const qos = fc.constantFrom(0, 1, 1, 2, 2, 3);

const properties: fc.Arbitrary<Property[]> = fc.array(
  fc.oneof(
    fc.nat(40_000).map((n) => property("topicAlias", n % 40)),
    fc.nat(3).map((n) => property("payloadFormat", n)),
    fc.nat(5).map((n) => property("messageExpiry", n)),
    fc.string({ maxLength: 9 }).map((s) => property("contentType", s)),
    fc.uint8Array({ maxLength: 9 }).map((b) => property("userProperty", b, "value")),
    fc.nat(5).map((n) => property("subscriptionId", n)),
    fc.nat(70).map((n) => property("receiveMaximum", n)),
    fc.nat(3).map((n) => property("sessionExpiry", n)),
    fc.uint8Array({ minLength: 1, maxLength: 5 }),
  ),
  { maxLength: 3 },
);

/** Any packet of a client, more or less well made. */
function packet(version: Version, login: ConnectFields): fc.Arbitrary<Uint8Array> {
  const p = packetsOf(version);
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .record({ topic, payload, qos, id, retain: fc.boolean(), dup: fc.boolean(), properties })
        .map((fields) => p.publish(fields)),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          id,
          fc.array(fc.record({ filter, qos, retainHandling: fc.nat(3) }), { maxLength: 4 }),
          properties,
        )
        .map(([n, filters, list]) => p.subscribe(n, filters, list)),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(id, fc.array(filter, { maxLength: 4 }))
        .map(([n, filters]) => p.unsubscribe(n, filters)),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(p.puback, p.pubrec, p.pubrel, p.pubcomp), id, fc.nat(255), properties)
        .map(([make, n, reason, list]) => make(n, reason, list)),
    },
    { weight: 1, arbitrary: fc.constant(p.pingreq()) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.nat(255), properties).map(([reason, list]) => p.disconnect(reason, list)),
    },
    { weight: 1, arbitrary: fc.tuple(fc.nat(255), properties).map(([reason, list]) => p.auth(reason, list)) },
    { weight: 1, arbitrary: properties.map((list) => p.connect({ ...login, properties: list })) },
    // A huge announcement, and hardly anything behind it.
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          fc.nat(255),
          fc.constantFrom(290_000, 2_000_000, 268_435_455),
          fc.uint8Array({ maxLength: 20 }),
        )
        .map(([first, length, rest]) => Buffer.concat([u8(first), varint(length), rest])),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.nat(15), fc.nat(15), fc.uint8Array({ maxLength: 30 }))
        .map((all) => framed(...all)),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  );
}

/** Bytes changed, cut out or put in at some places. */
const damaged = (bytes: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc
    .array(
      fc.record({
        at: fc.nat(Math.min(bytes.length, 400)),
        flip: fc.nat(255),
        remove: fc.constantFrom(0, 0, 0, 1, 3),
        insert: fc.uint8Array({ maxLength: 2 }),
      }),
      { maxLength: 3 },
    )
    .map((edits) => {
      let all = Buffer.from(bytes);
      for (const { at, flip, remove, insert } of edits) {
        if (at < all.length) all[at] = (all[at] ?? 0) ^ flip;
        if (remove + insert.length > 0)
          all = Buffer.concat([all.subarray(0, at), insert, all.subarray(at + remove)]);
      }
      return all;
    });

/** The bytes in pieces: whole, cut at random, or dripping. */
const chunked = (bytes: Uint8Array): fc.Arbitrary<Stream["chunks"]> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant([{ bytes, pauseMs: 0 }]) },
    {
      weight: 4,
      arbitrary: fc.array(fc.nat(bytes.length), { maxLength: 6 }).map((cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        return at.slice(1).map((end, n) => ({ bytes: bytes.subarray(at[n], end), pauseMs: n % 2 }));
      }),
    },
    {
      weight: 1,
      arbitrary: fc.constant(
        Array.from({ length: Math.min(bytes.length, 40) }, (_, n) => ({
          bytes: bytes.subarray(n, n === 39 ? bytes.length : n + 1),
          pauseMs: 5,
        })),
      ),
    },
  );

/** A connection of somebody who knows a credential, and then sends what chance gives. */
export function stream(login: ConnectFields): fc.Arbitrary<Stream> {
  return fc
    .tuple(
      fc.constantFrom<Version>(4, 5),
      fc.constantFrom("", "fuzz-1", "fuzz-2", "fuzz-3"),
      fc.boolean(),
      fc.integer({ min: 0, max: 9 }),
    )
    .chain(([version, clientId, clean, greeting]) => {
      const fields = { ...login, clientId, clean: clean || clientId === "" };
      const hello = greeting === 0 ? [] : [packetsOf(version).connect(fields)];
      return fc
        .tuple(
          fc.array(packet(version, fields), { maxLength: 8 }),
          fc.boolean(),
          fc.constantFrom<Stream["leaves"]>("end", "reset", "stays"),
        )
        .chain(([packets, harm, leaves]) => {
          const tail = Buffer.concat(packets);
          return (harm ? damaged(tail) : fc.constant(tail))
            .map((rest) => (greeting === 1 ? rest : Buffer.concat([...hello, rest])))
            .chain(chunked)
            .map((chunks) => ({ chunks, leaves }));
        });
    });
}
