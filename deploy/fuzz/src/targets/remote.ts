import { limits } from "@fieldlog/contracts";
import * as ws from "@fieldlog/edge-websocket/decoders";
import { encode } from "cborg";
import { decoding, jsons, type Target } from "../target.js";

const sensor = { name: "Built-in accelerometer", maxSampleLengthS: 300, frequencies: [62.5, 100] };
const hello = {
  version: 3,
  apiKey: "ei_1",
  deviceId: "ac:87",
  deviceType: "BOARD",
  connection: "ip",
  sensors: [sensor],
};
const records = { firstIndex: 1, firstTimestamp: 2, lastIndex: 3, lastTimestamp: 4 };
const messages = [
  { hello: { ...hello, version: 1, sensors: ["Built-in microphone"] } },
  { hello: { ...hello, version: 2 } },
  { hello: { ...hello, supportsSnapshotStreaming: true } },
  {
    hello: {
      ...{ ...hello, version: 4, mode: "inference", inferenceInfo: { deploymentVersion: 3, a: [1] } },
      availableRecords: records,
    },
  },
  { sample: true },
  { sample: false, error: "no" },
  { sampleReading: true, progressPercentage: 50 },
  { snapshotFrame: Buffer.from("ffd8ffe0ffd9", "hex").toString("base64") },
  {
    ...{ impulseRecord: { result: { a: 0.5 }, timing: { dsp: 1 } }, index: 1, timestamp: 2.5 },
    rawData: { type: "jpg", bufferBase64: "AAEC" },
  },
  { inferenceSummary: { a: 1 } },
];

/** A frame of a device under remote management, and whatever of it looks at the message. */
function says(encoding: "json" | "cbor"): (input: Uint8Array) => boolean {
  const raises = [ws.Malformed, ws.HelloRefused, ws.NoRecord, ws.NoPicture];
  const read = (bytes: Uint8Array) => {
    const message = ws.decodeFrame(encoding, Buffer.from(bytes));
    const readers = [
      () => ws.readHello(message),
      () => ws.readRecord(message),
      () => ws.pictureIn(message["snapshotFrame"]),
      () => ws.readNotice(message, 3),
      // What a device says is handed on so.
      () => JSON.stringify(message),
    ];
    for (const each of readers) decoding<unknown>(each, { raises })(bytes);
  };
  return decoding(read, { raises });
}

/** Frames of devices under remote management (services/edge-websocket/src/remote). */
export const remoteTargets: readonly Target[] = [
  {
    ...{ name: "remote/json", shape: "json", seeds: jsons(...messages), mostBytes: limits.remoteFrameBytes },
    run: says("json"),
  },
  {
    ...{ name: "remote/cbor", shape: "cbor", mostBytes: limits.remoteFrameBytes },
    seeds: messages.map((message) => encode(message)),
    run: says("cbor"),
  },
];
