import type { Known } from "@fieldlog/admission";
import type { Logger } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { RequestCounts } from "../http/request-counts.js";
import { type Access, tokenOf } from "../native/access.js";
import { toProblem } from "../native/problem.filter.js";
import { Problem } from "../native/problem.js";
import { type Readings, sendReading } from "./readings.js";

export interface DownloadRoutesOptions {
  readonly readings: Readings;
  readonly access: Access;
  readonly known: Pick<Known, "namespaces">;
  readonly counts: RequestCounts;
  readonly logger: Pick<Logger, "error">;
}

type Asked = { Params: { ns: string; id: string }; Querystring: { token?: string | string[] } };

/** In counts. */
const NAME = "data/reading";

/**
 * A1: GET /json/v1/{ns}/data/reading/{id}, for who shows a token in the query, or an API key as a Bearer token.
 * Refusals are JSON, as CSN has them.
 */
export async function downloadRoutes(
  fastify: FastifyInstance,
  options: DownloadRoutesOptions,
): Promise<void> {
  fastify.get<Asked>("/json/v1/:ns/data/reading/:id", async (request, reply) => {
    try {
      const namespace = await allowed(request, options);
      const found = await options.readings.stored(namespace, request.params.id);
      reply.hijack();
      await sendReading(request.raw, reply.raw, found).catch((error: unknown) =>
        refuse(error, reply, options),
      );
      options.counts.note(NAME, reply.raw.statusCode);
    } catch (error) {
      refuse(error, reply, options);
      options.counts.note(NAME, reply.raw.statusCode);
    }
    return reply;
  });
}

/** The namespace's id. Raises Problem 401, 403, 404, 429. */
async function allowed(
  request: FastifyRequest<Asked>,
  { access, known, readings }: DownloadRoutesOptions,
): Promise<string> {
  const { token } = request.query;
  if (typeof token !== "string" || tokenOf(request) !== "") {
    return (await access.namespace(request, "read")).namespace.id;
  }
  const namespace = await known.namespaces.get(request.params.ns);
  if (namespace === undefined) throw new Problem(404, "There is no such reading.");
  await readings.checkToken(namespace.id, request.params.id, token);
  return namespace.id;
}

function refuse(error: unknown, reply: FastifyReply, { logger }: DownloadRoutesOptions): void {
  const { status, detail, more } = toProblem(error);
  if (status === 500) logger.error({ err: error }, "download failed");
  const { raw } = reply;
  reply.hijack();
  if (raw.headersSent) return;
  if (more.retryAfterS !== undefined) raw.setHeader("retry-after", String(more.retryAfterS));
  const body = JSON.stringify({ status: "ERR", message: detail });
  raw.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  raw.end(body);
}
