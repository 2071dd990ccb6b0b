import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { create } from "@bufbuild/protobuf";
import { registry, type streams } from "@fieldlog/contracts";
import { RpcError } from "@fieldlog/rpc";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { begun, endsWhenIdle } from "../../uploads/send-content.js";
import { param, readInput } from "../input.js";
import { operations } from "../operations.js";
import type { NativeParts } from "../parts.js";
import { answerProblem } from "../problem.filter.js";
import { Problem } from "../problem.js";

const PATH = "/v1/namespaces/:ns/streams";
const LINE = Buffer.from("\n");

type Parts = Pick<NativeParts, "access" | "streamService" | "sampleStore" | "logger">;
type Answer = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** What messages and batches hold: plain routes and none of Nest's, because their answers are streams. */
export async function streamDataRoutes(app: FastifyInstance, parts: Parts): Promise<void> {
  const get = (path: string, answer: Answer) => {
    app.get(`${PATH}${path}`, async (request, reply) => {
      await answer(request, reply).catch((error: unknown) => {
        if (!reply.raw.headersSent) answerProblem(error, request, reply, parts.logger);
      });
      return reply;
    });
  };
  get("/messages/:position/data", async (request, reply) => {
    const { namespace } = await parts.access.namespace(request, "read");
    readInput(operations.getStreamMessageData, request);
    const position = numberIn(request, "position", "message");
    await send(reply, contentOf(parts, namespace.id, position), `message-${position}`);
  });
  get("/batches/:number/data", async (request, reply) => {
    const { namespace } = await parts.access.namespace(request, "read");
    const { query } = readInput(operations.getStreamBatchData, request);
    const number = numberIn(request, "number", "batch");
    const asked = { namespace: namespace.id, number, slice: query.slice ?? "" };
    const batch = await parts.streamService.getBatch(asked).catch(told);
    await send(reply, wholeOf(parts, namespace.id, batch), `batch-${number}`);
  });
}

async function* contentOf(
  parts: Parts,
  namespace: string,
  position: bigint,
): AsyncGenerator<Uint8Array, void> {
  const { object } = await parts.streamService.getMessage({ namespace, position }).catch(told);
  if (object === undefined) throw new Error("streams answered without an object");
  const { objects, objectBytes, key } = object;
  const bytes = objectBytes.reduce((sum, some) => sum + some, 0n);
  const stored = create(registry.UploadStoredSchema, { objects, objectBytes, bytes });
  yield* parts.sampleStore.content(stored, key);
}

/** Message by message, with a line's end behind each if the stream says so. */
async function* wholeOf(
  parts: Parts,
  namespace: string,
  { messages, concatenation }: streams.GetBatchResponse,
): AsyncGenerator<Uint8Array, void> {
  for (const { position } of messages) {
    yield* contentOf(parts, namespace, position);
    if (concatenation === "lines") yield LINE;
  }
}

/** What goes wrong before the first bytes is raised; what does later breaks the connection off. */
async function send(
  reply: FastifyReply,
  content: AsyncIterable<Uint8Array>,
  fileName: string,
): Promise<void> {
  const started = await begun(content);
  const { raw } = reply;
  reply.hijack();
  raw.writeHead(200, {
    ...{
      "content-type": "application/octet-stream",
      "content-disposition": `attachment; filename="${fileName}"`,
    },
    ...{ "cache-control": "no-store", "x-content-type-options": "nosniff" },
  });
  endsWhenIdle(raw);
  await pipeline(Readable.from(started, { objectMode: false }), raw).catch(() => raw.destroy());
}

/** Raises Problem 404. */
function numberIn(request: FastifyRequest, name: string, what: string): bigint {
  const text = param(request, name);
  if (!/^\d{1,16}$/.test(text)) throw new Problem(404, `There is no such ${what}.`);
  return BigInt(text);
}

function told(error: unknown): never {
  if (error instanceof RpcError && error.code === "failed_precondition") {
    throw new Problem(409, "It is not complete yet, or not stored.");
  }
  throw error;
}
