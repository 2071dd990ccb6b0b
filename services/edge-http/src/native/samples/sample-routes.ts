import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { acquisitionCsv, acquisitionJson } from "@fieldlog/acquisition";
import { limits } from "@fieldlog/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { begun, endsWhenIdle, sendContent } from "../../uploads/send-content.js";
import { AtOnce } from "../at-once.js";
import { param, readInput } from "../input.js";
import { operations } from "../operations.js";
import type { NativeParts } from "../parts.js";
import { atLeast } from "../readings/requests.controller.js";
import { streamRoute } from "../stream-route.js";
import { filterOf, sampleNumber } from "./asked.js";
import { Contents, type ReadableSample, readable } from "./contents.js";
import { csvOf } from "./export/csv.js";
import { parquetOf } from "./export/parquet.js";
import { valueRows } from "./export/rows.js";
import { checkSize, walk } from "./export/walk.js";
import { zipOf } from "./export/zip.js";

const PATH = "/v1/namespaces/:ns/samples";
/** Exports that one edge makes at once. */
const EXPORTS = 4;

type Answer = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** GET …/samples/{number}/data and /values, and …/samples/export. */
export async function sampleRoutes(app: FastifyInstance, parts: NativeParts): Promise<void> {
  const contents = new Contents({ store: parts.sampleStore, mostBytes: limits.waveformsBytes });
  // Each reads one document at a time.
  const ofExports = new Contents({ store: parts.sampleStore, mostBytes: EXPORTS * limits.acquisitionBytes });
  const atOnce = new AtOnce(EXPORTS, "Too many exports at once.");
  const get = (path: string, name: string, answer: Answer) => streamRoute(app, parts, path, name, answer);
  get(`${PATH}/:number/data`, "getSampleData", (request, reply) => download(parts, contents, request, reply));
  get(`${PATH}/:number/values`, "getSampleValues", (request, reply) => show(parts, contents, request, reply));
  get(`${PATH}/export`, "exportSamples", (request, reply) =>
    exported(parts, ofExports, atOnce, request, reply),
  );
}

async function download(
  parts: NativeParts,
  contents: Contents,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { namespace } = await parts.access.namespace(request, "read");
  readInput(operations.getSampleData, request);
  const found = await sampleOf(parts, request, namespace.id);
  const { about, stored } = found;
  await sendContent(request.raw, reply.raw, {
    bytes: Number(stored.bytes),
    sha256: Buffer.from(stored.sha256).toString("hex"),
    mediaType: stored.mediaType,
    fileName: fileNameOf(found, about.fileName),
    content: (stretch) => contents.content(found, stretch),
  });
  reply.hijack();
}

async function show(
  parts: NativeParts,
  contents: Contents,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { namespace } = await parts.access.namespace(request, "read");
  const { query } = readInput(operations.getSampleValues, request);
  const found = await sampleOf(parts, request, namespace.id);
  const write = query.format === "csv" ? acquisitionCsv : acquisitionJson;
  const type = query.format === "csv" ? "text/csv; charset=utf-8; header=present" : "application/json";
  await send(reply, type, `sample-${found.sample.number}.${query.format}`, contents.withValues(found, write));
}

async function exported(
  parts: NativeParts,
  contents: Contents,
  atOnce: AtOnce,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { namespace } = await parts.access.namespace(request, "read");
  const { query } = readInput(operations.exportSamples, request);
  const seen = atLeast(parts, request, namespace.id);
  const walked = { namespace: namespace.id, filter: filterOf(query), atLeast: seen };
  const name = `samples.${query.format}`;
  await atOnce.do(async () => {
    await checkSize(parts.sampling, walked);
    const { type, bytes } = inFormat(query.format, contents, walk(parts.sampling, walked));
    await send(reply, type, name, bytes);
  });
}

function inFormat(
  format: "csv" | "parquet" | "zip",
  contents: Contents,
  samples: ReturnType<typeof walk>,
): { type: string; bytes: AsyncIterable<string | Uint8Array> } {
  switch (format) {
    case "csv":
      return { type: "text/csv; charset=utf-8; header=present", bytes: csvOf(valueRows(contents, samples)) };
    case "parquet":
      return { type: "application/vnd.apache.parquet", bytes: parquetOf(valueRows(contents, samples)) };
    case "zip":
      return { type: "application/zip", bytes: zipOf(contents, samples) };
  }
}

/** What goes wrong before the first bytes is raised; what does later breaks the connection off. */
async function send(
  reply: FastifyReply,
  type: string,
  fileName: string,
  content: AsyncIterable<string | Uint8Array>,
): Promise<void> {
  const started = await begun(content);
  const { raw } = reply;
  reply.hijack();
  raw.writeHead(200, {
    ...{ "content-type": type, "content-disposition": `attachment; filename="${fileName}"` },
    ...{ "cache-control": "no-store", "x-content-type-options": "nosniff" },
  });
  endsWhenIdle(raw);
  await pipeline(Readable.from(started, { objectMode: false }), raw).catch(() => raw.destroy());
}

/** Raises Problem 404. */
async function sampleOf(
  parts: NativeParts,
  request: FastifyRequest,
  namespace: string,
): Promise<ReadableSample> {
  const asked = { namespace, number: sampleNumber(param(request, "number")) };
  return readable(await parts.sampling.getSample({ ...asked, atLeast: atLeast(parts, request, namespace) }));
}

function fileNameOf({ sample }: ReadableSample, given: string): string {
  return given.split(/[/\\]/).at(-1) || `sample-${sample.number}`;
}
