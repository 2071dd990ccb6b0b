import { Readable } from "node:stream";
import { limits } from "@fieldlog/contracts";
import { withTraceParent } from "@fieldlog/runtime";
import {
  type About,
  decodeDataRecord,
  InvalidWaveform,
  type Waveform,
  waveformCsv,
  waveformJson,
  waveformSvg,
} from "@fieldlog/waveforms";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type StoredReading, sendReading } from "../../uploads/readings.js";
import { param, readInput } from "../input.js";
import { operations } from "../operations.js";
import type { NativeParts } from "../parts.js";
import { answerProblem } from "../problem.filter.js";
import { Problem } from "../problem.js";
import { readingJson } from "./reading-json.js";
import { atLeast } from "./requests.controller.js";

type Parts = NativeParts;
const PATH = "/v1/namespaces/:ns/readings/:number";
const DATA_RECORD = "data-record";

/** GET …/readings/{number} and its /data: plain routes and none of Nest's, because their answers are streams. */
export async function readingRoutes(app: FastifyInstance, parts: Parts): Promise<void> {
  const get = (
    path: string,
    name: string,
    answer: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
  ) => {
    app.get(path, async (request, reply) => {
      const given = request.headers["traceparent"];
      const traceParent = typeof given === "string" ? given : undefined;
      await withTraceParent(traceParent, `native ${name}`, {}, () => answer(request, reply)).catch(
        (error: unknown) => {
          if (!reply.raw.headersSent) answerProblem(error, request, reply, parts.logger);
        },
      );
      return reply;
    });
  };
  get(PATH, "getReading", (request, reply) => show(parts, request, reply));
  get(`${PATH}/data`, "getReadingData", (request, reply) => download(parts, request, reply));
}

async function download(parts: Parts, request: FastifyRequest, reply: FastifyReply): Promise<void> {
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

async function show(parts: Parts, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { namespace } = await parts.access.namespace(request, "read");
  const { query } = readInput(operations.getReading, request);
  const number = param(request, "number");
  const seen = Number(atLeast(parts, request, namespace.id));
  const format = query.format ?? formatIn(request.headers.accept);
  if (format !== "json") {
    const found = await parts.readings.stored(namespace.id, number, seen);
    await sendShown(format, found, reply);
    return;
  }
  const reading = await parts.readings.get(namespace.id, number, seen);
  const known = readingJson(reading);
  if (reading.state !== "stored") {
    void reply.send({ ...known, waveform: null });
    return;
  }
  const found = await parts.readings.stored(namespace.id, number);
  const waveform = await waveformIn(found).catch((error: unknown) => {
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

async function sendShown(format: "csv" | "svg", found: StoredReading, reply: FastifyReply): Promise<void> {
  const waveform = await waveformIn(found);
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

/** Raises Problem 406: it is no waveform, or cannot be decoded. */
async function waveformIn({ offered, bytes, content }: StoredReading): Promise<Waveform> {
  if (offered.format !== DATA_RECORD) {
    throw new Problem(406, `A reading of the format "${offered.format}" can only be downloaded as it is.`);
  }
  if (bytes > limits.waveformBytes) {
    throw new Problem(406, `Of more than ${limits.waveformBytes} bytes only the bytes themselves are given.`);
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of content({ from: 0, to: bytes })) pieces.push(piece);
  try {
    return decodeDataRecord(Buffer.concat(pieces));
  } catch (error) {
    if (!(error instanceof InvalidWaveform)) throw error;
    throw new Problem(406, `This reading can only be downloaded as it is: it ${error.detail}.`);
  }
}

function aboutOf({ offered }: StoredReading): About {
  const { sensorType, start } = offered;
  return { sensorType, start: start === undefined ? undefined : Number(start) };
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
