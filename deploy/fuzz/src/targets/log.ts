import { isDeepStrictEqual } from "node:util";
import { fromBinary } from "@bufbuild/protobuf";
import { limits, signals } from "@fieldlog/contracts";
import { skimBatch } from "@fieldlog/edge-http/decoders";
import { skimPublished } from "@fieldlog/edge-mqtt/decoders";
import { readEvents } from "@fieldlog/events";
import * as projections from "@fieldlog/projections/decoders";
import { decoding, NotTheSame, type Target } from "../target.js";
import { dbl, doubles, len, message, num } from "./protobuf.js";

const common = message(len(1, "lamp-1"), len(2, "1/a"), len(3, "12345678"), num(4, 1_700_000_000_000n));
const publication = len(9, len(1, "measurements/x"), num(2, 1), num(3, 1), len(4, "client"));
const reading = message(len(1, "0"), len(2, "heat"), doubles(3, 1, -2.5), num(4, 5), num(5, 1), num(6, 600));
const event = len(
  16,
  len(1, "Pick"),
  len(2, reading),
  len(3, reading),
  len(3),
  len(4, "on"),
  len(11, '{"a":[1]}'),
);
const place = len(7, dbl(1, 34.1), dbl(2, -118.2), len(3, "gps"));
const times = message(num(5, 1), num(6, 2), place);
const measurement = len(1, dbl(1, 1.5), num(2, 3), len(3, "a"), len(3, "b"), doubles(4, 1, 2));
const entry = len(1, dbl(1, 1), len(2, "info"), len(4, "message"));
const batch = (...bodies: Uint8Array[]) =>
  message(...bodies.map((body) => len(1, common, times, publication, body)));

const seeds = [
  batch(event),
  batch(
    len(18, measurement, measurement),
    len(19, entry),
    len(20, len(1, "payload")),
    len(22, len(1, "topic")),
  ),
  batch(len(17, len(1, "update"), len(2, len(1, "0"), num(2, 1), num(3, 600)))),
];

const log = (name: string, run: Target["run"]): Target => ({
  ...{ name: `log/${name}`, shape: "protobuf", seeds, run, words: ["configurations/", "events/"] },
  mostBytes: limits.commitBytes,
});

const namespace = { id: "n", name: "default" };

/** Commits of the log, as those read them by hand for whom the generated code is too slow. */
export const logTargets: readonly Target[] = [
  log(
    "skim",
    decoding((bytes) => skimBatch(bytes, () => undefined), { raises: [RangeError] }),
  ),
  log(
    "published",
    decoding((bytes) => skimPublished(1, bytes), { raises: [RangeError] }),
  ),
  log(
    "events",
    decoding(
      (bytes) => {
        const events = readEvents(1, bytes, namespace);
        // What is a batch through and through can be told.
        if (projections.isBatch(bytes)) for (const each of events) each.json();
      },
      { raises: [RangeError] },
    ),
  ),
  log(
    "projected-events",
    same(projections.quickBatch, (bytes) => decodeBatch(bytes).map(projections.reported)),
  ),
  log("projected-readings", same(projections.quickReadings, projections.slowReadings)),
  log("projected-messages", same(projections.quickMessages, projections.slowMessages)),
];

/** The quick reader says what the generated code says, or leaves it to that. */
function same(quick: (bytes: Uint8Array) => unknown, slow: (bytes: Uint8Array) => unknown): Target["run"] {
  return (bytes) => {
    const found = quick(bytes);
    if (found === undefined || !projections.isBatch(bytes)) return false;
    const [one, other] = [projections.comparable(found), projections.comparable(slow(bytes))];
    if (!isDeepStrictEqual(one, other)) throw new NotTheSame(one, other);
    return true;
  };
}

const decodeBatch = (bytes: Uint8Array) => fromBinary(signals.SignalBatchSchema, bytes).signals;
