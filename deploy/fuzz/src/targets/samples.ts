import {
  acquisitionCsv,
  acquisitionJson,
  checkSignature,
  encodingOf,
  InvalidAcquisition,
  readAcquisition,
} from "@fieldlog/acquisition";
import { limits } from "@fieldlog/contracts";
import * as http from "@fieldlog/edge-http/decoders";
import {
  decodeDataRecord,
  InvalidWaveform,
  waveformCsv,
  waveformJson,
  waveformSvg,
} from "@fieldlog/waveforms";
import { encode } from "cborg";
import { decoding, decodingLater, headerOf, jsons, partsOf, type Target, textOf, texts } from "../target.js";
import { doubles, len, message, num } from "./protobuf.js";

const axes = [
  { name: "accX", units: "m/s2" },
  { name: "accY", units: "m/s2" },
];
const document = (payload: object) => ({
  protected: { ver: "v1", alg: "HS256", iat: 1_564_128_599 },
  signature: "0".repeat(64),
  payload: { device_name: "ac:87", device_type: "BOARD", interval_ms: 10, sensors: axes, ...payload },
});
const rows = [
  [1, -2.5],
  [3, 4e-3],
];
const documents = [
  document({ values: rows }),
  document({ values: [1, 2], sensors: axes.slice(0, 1) }),
  document({ values: ["Ref-BINARY-i16"] }),
  document({ values: ["Ref-BINARY-image/jpeg (4 bytes) 0123"], interval_ms: 0 }),
];

/** What is read is also written, in both forms. */
async function acquisition(input: Uint8Array): Promise<void> {
  encodingOf(input);
  const read = await readAcquisition(input);
  await checkSignature(input, read.signed, ["key", "other"]);
  for (const _ of acquisitionCsv(read));
  JSON.parse([...acquisitionJson(read)].join(""));
}

function waveform(input: Uint8Array): void {
  const read = decodeDataRecord(input);
  for (const about of [
    { sensorType: "accelerometer-3-axis", start: 0 },
    { sensorType: "", start: undefined },
  ]) {
    JSON.parse([...waveformJson(read, about, true)].join(""));
    for (const _ of waveformCsv(read, about));
    waveformSvg(read, about, "title");
  }
}

const HEADERS = [
  ...[
    "x-file-name",
    "x-label",
    "x-metadata",
    "x-bounding-boxes",
    "x-upload-source",
    "x-no-label",
    "x-add-date-id",
  ],
];

/** A line for each header. */
function headers(input: Uint8Array): void {
  const values = partsOf(input, HEADERS.length).map(headerOf);
  const asked = http.readHeaders(Object.fromEntries(HEADERS.map((name, index) => [name, values[index]])));
  http.annotationsJson(asked.annotations);
  const name = http.storedName(asked.fileName ?? "");
  http.labelOf(asked, name);
}

function labels(input: Uint8Array): void {
  const found = new http.AnnotationsByFile();
  found.add("a.labels", input);
  for (const name of ["a.wav", "__proto__", ""]) {
    JSON.parse(http.annotationsJson(found.of(name)) || "{}");
    found.ownerOf(name);
  }
}

const refused = { raises: [http.StudioRefusal] };
const box = { label: "a", x: 1, y: 2, width: 3, height: 4 };
const wav = Buffer.from(
  "RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x04\0\0\0\x01\0\x02\0",
  "latin1",
);

/** Samples, recordings and waveforms that devices upload, with what is said of them. */
export const sampleTargets: readonly Target[] = [
  {
    ...{
      name: "samples/json",
      shape: "json",
      seeds: jsons(...documents),
      mostBytes: limits.acquisitionBytes,
    },
    run: decodingLater(acquisition, { raises: [InvalidAcquisition] }),
  },
  {
    ...{ name: "samples/cbor", shape: "cbor", mostBytes: limits.acquisitionBytes },
    seeds: documents.map((each) => encode(each)),
    run: decodingLater(acquisition, { raises: [InvalidAcquisition] }),
  },
  {
    ...{ name: "samples/waveform", shape: "protobuf", mostBytes: limits.waveformBytes },
    seeds: [
      message(num(1, 20), len(2, doubles(1, 1, -0.5)), len(2, doubles(1, 2.5)), len(2)),
      message(num(1, 20), len(3, len(1, num(0, 5).subarray(1)), doubles(2, 35), doubles(3, -118))),
    ],
    run: decoding(waveform, { raises: [InvalidWaveform] }),
  },
  {
    ...{ name: "samples/headers", shape: "text", mostBytes: limits.headerBytes },
    seeds: texts(
      'idle.01.json\nidle\n{"a":"b","c":1}\n[{"label":"a","x":1,"y":2,"width":3,"height":4}]\nMOBILE\n1\n1',
      `a\nb\n{}\n${"[".repeat(5_000)}${"]".repeat(5_000)}\n`,
      "a%2Fb.wav\n%e2%82%ac\n%7B%22a%22%3A%22b%22%7D\n\n\n\n",
    ),
    run: decoding(headers, refused),
  },
  {
    ...{ name: "samples/labels", shape: "json", mostBytes: 4 * 1024 * 1024 },
    seeds: jsons(
      { version: 1, type: "bounding-box-labels", boundingBoxes: { "a.wav": [box] } },
      {
        version: 1,
        type: "structured-labels",
        structuredLabels: { "a.wav": [{ startIndex: 0, endIndex: 1, label: "a" }] },
      },
      { version: 1, type: "attachments", attachments: { "a.wav": [{ filename: "b.wav" }] } },
      { version: 1, type: "label-map-labels", labels: { "a.wav": { a: "b" }, "b.wav": ["a"] } },
    ),
    run: decoding(labels, refused),
  },
  {
    ...{
      name: "samples/wav",
      shape: "bytes",
      seeds: [wav],
      mostBytes: 64 * 1024,
      words: ["RIFF", "WAVE", "fmt ", "data"],
    },
    run: decoding((input) => http.wavOf(Buffer.from(input), input.length), {
      refuses: (recording) => recording === undefined,
    }),
  },
  {
    ...{
      name: "samples/names",
      shape: "text",
      seeds: texts("a/b\\c.wav", ".."),
      mostBytes: limits.headerBytes,
    },
    run: decoding((input) => {
      const name = http.storedName(textOf(input));
      if (name === "" || name.length > 255 || /[/\\]/.test(name)) throw new Error(`a file is named ${name}`);
    }),
  },
];
