import { Readable } from "node:stream";
import { type Waveform, waveformCsv, waveformJson, waveformSvg } from "@fieldlog/waveforms";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type StoredReading, sendReading } from "../../uploads/readings.js";
import { param, readInput } from "../input.js";
import { operations } from "../operations.js";
import type { NativeParts } from "../parts.js";
import { Problem } from "../problem.js";
import { streamRoute } from "../stream-route.js";
import { aboutOf, Decoding } from "./decoding.js";
import { readingJson } from "./reading-json.js";
import { atLeast } from "./requests.controller.js";

const PATH = "/v1/namespaces/:ns/readings/:number";

/** GET …/readings/{number} and its /data. */
export async function readingRoutes(app: FastifyInstance, parts: NativeParts): Promise<void> {
  const decoding = new Decoding();
  streamRoute(app, parts, PATH, "getReading", (request, reply) => show(parts, decoding, request, reply));
  streamRoute(app, parts, `${PATH}/data`, "getReadingData", (request, reply) =>
    download(parts, request, reply),
  );
}

async function download(parts: NativeParts, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { namespace } = await parts.access.namespace(request, "read");
  readInput(operations.getReadingData, request);
  const seen = Number(atLeast(parts, request, namespace.id));
  const found = await parts.readings.stored(namespace.id, param(request, "number"), seen);
  if (found.link !== undefined && request.method === "GET") {
    const location = await found.link();
    void reply.code(302).headers({ location, "cache-control": "no-store" }).send();
    return;
  }
  await sendReading(request.raw, reply.raw, found);
  reply.hijack();
}

async function show(
  parts: NativeParts,
  decoding: Decoding,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { namespace } = await parts.access.namespace(request, "read");
  const { query } = readInput(operations.getReading, request);
  const number = param(request, "number");
  const seen = Number(atLeast(parts, request, namespace.id));
  const format = query.format ?? formatIn(request.headers.accept);
  if (format !== "json") {
    const found = await parts.readings.stored(namespace.id, number, seen);
    sendShown(format, found, await decoding.waveformIn(found, reply.raw), reply);
    return;
  }
  const reading = await parts.readings.get(namespace.id, number, seen);
  const known = readingJson(reading);
  if (reading.state !== "stored") {
    void reply.send({ ...known, waveform: null });
    return;
  }
  const found = await parts.readings.stored(namespace.id, number);
  const waveform = await decoding.waveformIn(found, reply.raw).catch((error: unknown) => {
    if (error instanceof Problem && error.status === 406) return undefined;
    throw error;
  });
  const withSamples = query.samples === "true";
  void reply.type("application/json").send(Readable.from(joined(known, waveform, found, withSamples)));
}

function* joined(
  known: object,
  waveform: Waveform | undefined,
  found: StoredReading,
  withSamples: boolean,
): Generator<string> {
  yield `${JSON.stringify(known).slice(0, -1)},"waveform":`;
  if (waveform === undefined) yield "null";
  else yield* waveformJson(waveform, aboutOf(found), withSamples);
  yield "}";
}

function sendShown(
  format: "csv" | "svg",
  found: StoredReading,
  waveform: Waveform,
  reply: FastifyReply,
): void {
  const { number } = found.reading;
  if (format === "csv") {
    void reply
      .type("text/csv; charset=utf-8; header=present")
      .header("content-disposition", `attachment; filename="reading-${number}.csv"`)
      .send(Readable.from(waveformCsv(waveform, aboutOf(found))));
    return;
  }
  const { device, sensor } = found.offered;
  const title = `Reading ${number}: device ${device}, sensor ${sensor}`;
  void reply
    .type("image/svg+xml")
    .header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
    .header("x-content-type-options", "nosniff")
    .send(waveformSvg(waveform, aboutOf(found), title));
}

/** The first of what is accepted that there is. */
function formatIn(accept = ""): "json" | "csv" | "svg" {
  for (const type of accept.split(",")) {
    const [name = ""] = type.trim().toLowerCase().split(";");
    if (name === "text/csv") return "csv";
    if (name === "image/svg+xml") return "svg";
    if (name === "application/json" || name === "*/*") return "json";
  }
  return "json";
}
