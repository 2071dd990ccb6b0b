import { limits } from "@fieldlog/contracts";
import * as http from "@fieldlog/edge-http/decoders";
import { decoding, type Target } from "../target.js";
import { dbl, doubles, len, message, num } from "./protobuf.js";

const DATE = "2014-04-13T19:42:17.744";
const signature = len(1, len(1, DATE), num(2, 7), len(3, "0".repeat(64)));
const sensor = message(num(1, 1), num(2, 64), len(3, "model"), num(5, 1), num(7, 5));
const client = message(
  ...[dbl(1, 34.1), dbl(2, -118.2), num(3, 2), len(4, "roof"), num(8, 4)],
  ...[len(15, len(1, "key"), dbl(3, 1.5)), len(15, len(1, "other"), num(15, 1))],
);
const offered = message(
  ...[num(1, 0), num(2, 1), len(4, DATE), len(5, DATE), dbl(6, 34.1), dbl(7, -118.2), num(8, 1)],
);
const reading = message(num(1, 0), num(2, 1), doubles(3, 0, 0, 1.05), num(5, 117), num(6, 600));
const pick = message(signature, dbl(2, 34.1382), dbl(3, -118.1256), num(4, 0), len(5, reading));
const rate = len(10, num(1, 0), num(2, 600), num(3, 1));
const heartbeat = message(signature, num(5, 0), num(8, 0), rate, num(6, 0), num(7, 1), len(9, offered));

/** Nothing is raised: what is refused is answered with a value. */
function csn(name: string, read: (bytes: Uint8Array) => unknown, ...seeds: Uint8Array[]): Target {
  const words = [DATE, "accelerometer-3-axis", "8d6e2b9c-0000-4000-8000-000000000000"];
  return {
    ...{ name: `csn/${name}`, shape: "protobuf", seeds, words, mostBytes: limits.bodyBytes },
    run: decoding(read, { refuses: isRefusal }),
  };
}

/** Bodies of CSN's requests (services/edge-http/src/csn). */
export const csnTargets: readonly Target[] = [
  csn("event", http.readEvent, pick, message(pick, len(6, num(1, 1), doubles(3, 1, 2)))),
  csn("heartbeat", (bytes) => http.readHeartbeat(bytes, "SAFCSNclient v1.0b"), heartbeat),
  csn("create", http.readCreate, message(len(1, client), len(2, sensor), len(2, sensor))),
  csn(
    "update",
    http.readUpdate,
    message(signature, len(2, client), len(3, sensor), len(4, sensor), doubles(5, 1)),
  ),
  csn("metadata", http.readMetadataRequest, message(signature, num(2, 1))),
  csn("offers", http.readOffers, message(signature, len(2, offered), len(2, offered))),
  csn("key-values", http.readKeyValueRequest, message(signature, len(2, "a"), len(2, "b"))),
  csn("editor-token", http.readEditorTokenRequest, signature),
  csn(
    "queries",
    readQueries,
    len(1, "roof"),
    message(len(1, "key"), num(2, 7)),
    message(num(1, 10), num(4, 4096)),
  ),
];

/** Of the queries all four have to refuse. */
function isRefusal(value: unknown): boolean {
  return Array.isArray(value) ? value.every(isRefusal) : value instanceof http.CsnRefusal;
}

function readQueries(bytes: Uint8Array): unknown {
  const { readNameQuery, readUuidQuery, readLegacyQuery, readRecentQuery } = http;
  return [readNameQuery, readUuidQuery, readLegacyQuery, readRecentQuery].map((read) => read(bytes));
}
