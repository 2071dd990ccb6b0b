import { brotliCompressSync } from "node:zlib";
import { limits } from "@fieldlog/contracts";
import * as http from "@fieldlog/edge-http/decoders";
import { CannotDecrypt, encrypted, type ObjectStore } from "@fieldlog/objects";
import { Unreadable, unpacked } from "@fieldlog/streams/decoders";
import { decoding, decodingLater, headerOf, partsOf, type Target, texts } from "../target.js";

const HEADERS = { "content-type": "multipart/form-data; boundary=b0" };
const part = (head: string, body: string) =>
  `--b0\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`;
const multipart = texts(
  `${part('name="note"', "text")}${part('name="payload"; filename="data"', "bytes\r\n--b\r\nmore")}--b0--\r\n`,
  `${part("name=\"data\"; filename*=UTF-8''%e2%82%ac.wav", "x")}${part('name="data"; filename="a.cbor"', "")}--b0--`,
);
const words = [
  "--b0",
  "--b0--",
  "\r\n\r\n",
  "Content-Type: ",
  "Content-Disposition: form-data; ",
  "filename*=",
];

async function* inPieces(input: Uint8Array): AsyncGenerator<Uint8Array, void> {
  const size = Math.max(7, Math.ceil(input.length / 64));
  for (let at = 0; at < input.length; at += size) yield input.subarray(at, at + size);
}

async function readAll(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const bytes = (name: string, seeds: readonly Uint8Array[], run: Target["run"]): Target => ({
  ...{ name: `uploads/${name}`, shape: "bytes", seeds, words, run, mostBytes: limits.bodyBytes },
});

const store = (stored: Uint8Array): Pick<ObjectStore, "get"> => ({
  async *get(_name, { from, to } = { from: 0, to: Number.POSITIVE_INFINITY }) {
    yield* inPieces(stored.subarray(from, to));
  },
});

const KEY = Buffer.alloc(32, 7);
const PLAIN = "what was put";
/** Made once: with another nonce each run would be another. */
const STORED = await sealed();

async function sealed(): Promise<Uint8Array> {
  let kept: Uint8Array = new Uint8Array();
  const inner = {
    put: async (_name: string, content: AsyncIterable<Uint8Array>) => {
      kept = await readAll(content);
      return { bytes: kept.length, sha256: new Uint8Array() };
    },
  } as unknown as ObjectStore;
  await encrypted(inner, KEY).put("name", inPieces(Buffer.from(PLAIN)));
  return kept;
}

/** Nothing else comes out than what was put. */
async function decrypt(input: Uint8Array): Promise<void> {
  const plain = await readAll(encrypted(store(input) as ObjectStore, KEY).get("name"));
  if (plain.toString() !== PLAIN) throw new Error("what was not put came out");
}

/** Bodies of uploads, what their headers say, and what is stored of them. */
export const uploadTargets: readonly Target[] = [
  bytes(
    "multipart",
    multipart,
    decodingLater(async (input) => readAll((await http.fileIn(HEADERS, inPieces(input))).chunks), {
      raises: [http.Problem],
    }),
  ),
  bytes(
    "multipart-files",
    multipart,
    decodingLater(
      async (input) => {
        for await (const { chunks } of http.partsIn(HEADERS, inPieces(input))) await readAll(chunks);
      },
      { raises: [http.StudioRefusal] },
    ),
  ),
  {
    ...{
      name: "uploads/content-type",
      shape: "text",
      mostBytes: limits.headerBytes,
      words: ["boundary=", ";", '"'],
    },
    seeds: texts("multipart/form-data; boundary=b0", 'multipart/form-data; charset=utf-8; boundary="b 0"'),
    run: decodingLater(
      async (input) => {
        const { chunks } = await http.fileIn(
          { "content-type": headerOf(input) },
          inPieces(multipart[0] as Uint8Array),
        );
        await readAll(chunks);
      },
      { raises: [http.Problem] },
    ),
  },
  {
    ...{ name: "uploads/range", shape: "text", mostBytes: limits.headerBytes, words: ["bytes=", "-", ","] },
    seeds: texts("bytes=0-9", "bytes=-5", "bytes=5-", "bytes=0-1,3-4"),
    run: decoding((input) => {
      for (const size of [0, 1, 100]) {
        const range = http.rangeOf(headerOf(input), size);
        if (typeof range !== "object") continue;
        const isRight = range.from >= 0 && range.from < range.to && range.to <= size;
        if (!isRight) throw new Error(`of ${size} bytes those from ${range.from} to ${range.to}`);
      }
    }),
  },
  {
    ...{ name: "uploads/tus", shape: "text", mostBytes: limits.headerBytes },
    seeds: texts(
      "1.0.0\napplication/offset+octet-stream\n0\n100",
      "1.0.0\nApplication/Offset+Octet-Stream\n12\n",
    ),
    run: decoding(
      (input) => {
        const [version, type, offset, length] = partsOf(input, 4).map(headerOf) as [
          string,
          string,
          string,
          string,
        ];
        const headers = { "tus-resumable": version, "content-type": type, "upload-offset": offset };
        http.readPatch(length === "" ? headers : { ...headers, "upload-length": length });
      },
      { raises: [http.Problem] },
    ),
  },
  bytes("stored", [STORED], decodingLater(decrypt, { raises: [CannotDecrypt] })),
  {
    ...bytes(
      "brotli",
      [brotliCompressSync("text".repeat(99)), brotliCompressSync(Buffer.alloc(100_000))],
      decodingLater(unpack, { raises: [Unreadable] }),
    ),
    growsTo: limits.streamMessageBytes,
  },
];

/** Not kept: what it becomes is read as it comes. */
async function unpack(input: Uint8Array): Promise<void> {
  const packed = { namespace: "n", device: "d", payload: Buffer.from(input), encoding: "br", external: "" };
  for await (const _ of unpacked([packed], store(new Uint8Array())));
}
