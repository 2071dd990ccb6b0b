import type { ServerResponse } from "node:http";
import { limits, positionOf, REGISTRY } from "@fieldlog/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { linger, type PlainAnswer, takesItsTime } from "../../http/late.js";
import { traced } from "../../http/traced.js";
import { atMost, bodyOf, CutOff, tooLarge } from "../../uploads/body.js";
import { sendContent } from "../../uploads/send-content.js";
import { AtOnce } from "../at-once.js";
import { param, readInput } from "../input.js";
import { operations } from "../operations.js";
import type { NativeParts } from "../parts.js";
import { toProblem } from "../problem.filter.js";
import { Problem, problemOf } from "../problem.js";
import { atLeast } from "../readings/requests.controller.js";
import { streamRoute } from "../stream-route.js";
import { modelJson, versionOf } from "./model-json.js";

const PATH = "/v1/namespaces/:ns/models";
/** Models that one edge takes in at once. */
const UPLOADS = 8;

/** POST …/models and GET …/models/{version}/data: plain routes and none of Nest's, because their bodies are streams. */
export async function modelRoutes(app: FastifyInstance, parts: NativeParts): Promise<void> {
  const atOnce = new AtOnce(UPLOADS, "Too many models come at once.");
  app.route({
    ...{ method: "POST", url: PATH, handler: () => undefined },
    onRequest: (request, reply, _done) => {
      reply.hijack();
      void answered(parts, request, reply.raw, atOnce);
    },
  });
  streamRoute(app, parts, `${PATH}/:version/data`, "getModelData", (request, reply) =>
    download(parts, request, reply),
  );
}

async function answered(
  parts: NativeParts,
  request: FastifyRequest,
  response: ServerResponse,
  atOnce: AtOnce,
): Promise<void> {
  const done = takesItsTime(request.raw.socket);
  try {
    finish(response, await traced(request, "native storeModel", () => take(parts, request, atOnce)));
  } catch (error) {
    if (error instanceof CutOff) return;
    const problem = toProblem(error);
    if (problem.status === 500) parts.logger.error({ err: error }, "storing a model failed");
    const { retryAfterS } = problem.more;
    const headers = retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) };
    finish(response, { ...problemOf(problem), headers });
  } finally {
    done();
  }
}

/** Raises Problem, RpcError, CutOff, ObjectsUnavailable. */
async function take(parts: NativeParts, request: FastifyRequest, atOnce: AtOnce): Promise<PlainAnswer> {
  const asked = await parts.access.namespace(request, "write");
  const { query } = readInput(operations.storeModel, request);
  if (Number(request.headers["content-length"] ?? 0) > limits.modelBytes) throw tooLarge(limits.modelBytes);
  return atOnce.do(() => stored(parts, request, asked, query.name));
}

async function stored(
  parts: NativeParts,
  request: FastifyRequest,
  { key, namespace }: Awaited<ReturnType<NativeParts["access"]["namespace"]>>,
  name: string,
): Promise<PlainAnswer> {
  const patience = { idleMs: limits.uploadIdleMs, until: Date.now() + limits.uploadMs, now: Date.now };
  const upload = await parts.sampleStore.beginModel(namespace.id);
  try {
    await upload.put(atMost(bodyOf(request.raw, patience), limits.modelBytes));
  } catch (error) {
    await upload.discard();
    throw error;
  }
  const mediaType = mediaTypeIn(request.headers["content-type"]);
  const made = await upload.storeModel(name, { mediaType, decidedBy: `key:${key.id}` });
  parts.ownWrites.note(namespace.id, REGISTRY, Number(made.sequence));
  const found = await parts.sampling.getModel({
    ...{ namespace: namespace.id, version: made.version, atLeast: made.sequence },
  });
  const headers = { "fieldlog-position": String(positionOf(Number(made.sequence), 0)) };
  const body = Buffer.from(JSON.stringify(modelJson(found.model))).toString("latin1");
  return { status: 201, contentType: "application/json", body, headers };
}

async function download(parts: NativeParts, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { namespace } = await parts.access.namespace(request, "read");
  readInput(operations.getModelData, request);
  const { model, key } = await parts.sampling.getModel({
    ...{ namespace: namespace.id, version: versionOf(param(request, "version")) },
    atLeast: atLeast(parts, request, namespace.id),
  });
  const { bytes, sha256, mediaType, name } = modelJson(model);
  const file = model?.stored?.stored;
  if (file === undefined || key.length === 0) throw new Problem(404, "The bytes of this model are gone.");
  await sendContent(request.raw, reply.raw, {
    ...{ bytes, sha256, mediaType, fileName: name.split(/[/\\]/).at(-1) || "model" },
    content: (stretch) => parts.sampleStore.content(file, key, stretch),
  });
  reply.hijack();
}

/** As it was given, if it is one. */
function mediaTypeIn(type = ""): string {
  const isOne = type.length <= 200 && /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;[\x20-\x7e]*)?$/.test(type);
  return isOne ? type : "application/octet-stream";
}

function finish(response: ServerResponse, { status, contentType, body, headers }: PlainAnswer): void {
  const whole = response.req.complete;
  response.setHeader("content-type", contentType);
  response.setHeader("content-length", body.length);
  response.setHeader("cache-control", "no-store");
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
  if (!whole) response.setHeader("connection", "close");
  response.writeHead(status);
  if (whole) response.end(body, "latin1");
  else linger(response, body);
}
