import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { create } from "@bufbuild/protobuf";
import { limits, registry, type streams } from "@fieldlog/contracts";
import { RpcError } from "@fieldlog/rpc";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { begun, endsWhenIdle } from "../../uploads/send-content.js";
import { param, readInput } from "../input.js";
import { operations } from "../operations.js";
import type { NativeParts } from "../parts.js";
import { Problem } from "../problem.js";
import { streamRoute } from "../stream-route.js";

const PATH = "/v1/namespaces/:ns/streams";
const LINE = Buffer.from("\n");

type Parts = Pick<NativeParts, "access" | "streamService" | "sampleStore" | "logger">;
type Answer = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** What messages and batches hold: plain routes and none of Nest's, because their answers are streams. */
export async function streamDataRoutes(app: FastifyInstance, parts: Parts): Promise<void> {
  const get = (operation: string, path: string, answer: Answer) =>
    streamRoute(app, parts, `${PATH}${path}`, operation, answer);
  get("getStreamMessageData", "/messages/:position/data", async (request, reply) => {
    const { namespace } = await parts.access.namespace(request, "read");
    readInput(operations.getStreamMessageData, request);
    const position = numberIn(request, "position", "message");
    await send(reply, await contentOf(parts, namespace.id, position), `message-${position}`);
  });
  get("getStreamBatchData", "/batches/:number/data", async (request, reply) => {
    const { namespace } = await parts.access.namespace(request, "read");
    const { query } = readInput(operations.getStreamBatchData, request);
    const number = numberIn(request, "number", "batch");
    const asked = { namespace: namespace.id, number, slice: query.slice ?? "" };
    const found = await parts.streamService.getBatch(asked).catch(told);
    const content = found.object ? storedContent(parts, found.object) : wholeOf(parts, asked, found);
    await send(reply, content, `batch-${number}`);
  });
}

/** Raises Problem 409, RpcError `not_found`. */
async function contentOf(
  parts: Parts,
  namespace: string,
  position: bigint,
): Promise<AsyncIterable<Uint8Array>> {
  const { object } = await parts.streamService.getMessage({ namespace, position }).catch(told);
  if (object === undefined) throw new Error("streams answered without an object");
  return storedContent(parts, object);
}

/** The bytes of what streams has stored, one object after the other. */
function storedContent(
  { sampleStore }: Pick<NativeParts, "sampleStore">,
  { objects, objectBytes, key }: streams.StoredObject,
): AsyncIterable<Uint8Array> {
  const bytes = objectBytes.reduce((sum, some) => sum + some, 0n);
  return sampleStore.content(create(registry.UploadStoredSchema, { objects, objectBytes, bytes }), key);
}

/** Of one that could not be unpacked: undefined. */
async function contentIfAny(parts: Parts, namespace: string, position: bigint) {
  try {
    return await contentOf(parts, namespace, position);
  } catch (error) {
    if (error instanceof RpcError && error.code === "not_found") return undefined;
    throw error;
  }
}

/** Of a batch that is no file: message by message, a page of them at a time, with a line's end behind each if the stream says so. */
async function* wholeOf(
  parts: Parts,
  { namespace, slice }: { namespace: string; slice: string },
  { batch, messages, concatenation }: streams.GetBatchResponse,
): AsyncGenerator<Uint8Array, void> {
  if (batch === undefined) throw new Error("streams answered without a batch");
  const { group, stream, device, id } = batch;
  const asked = { namespace, group, stream, device, batch: id, limit: limits.pageRows };
  for (let page = messages; page.length > 0; ) {
    for (const { position } of page) {
      const content = await contentIfAny(parts, namespace, position);
      if (content === undefined) continue;
      yield* content;
      if (concatenation === "lines") yield LINE;
    }
    if (page.length < limits.pageRows) return;
    page = await pageBehind(parts, asked, slice, page.at(-1)?.position ?? 0n);
  }
}

/** The next messages of a batch that are in that slice; none: there are no more. */
async function pageBehind(
  { streamService }: Parts,
  asked: Parameters<Parts["streamService"]["listMessages"]>[0],
  slice: string,
  position: bigint,
): Promise<streams.StoredMessage[]> {
  const found: streams.StoredMessage[] = [];
  let after: bigint | undefined = position;
  while (after !== undefined && found.length < limits.pageRows) {
    const page: streams.ListMessagesResponse = await streamService.listMessages({ ...asked, after });
    found.push(...page.messages.filter((message) => message.slice === slice));
    after = page.next;
  }
  return found;
}

/** What goes wrong before the first bytes is raised; what does later breaks the connection off. */
export async function send(
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
