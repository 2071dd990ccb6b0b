import type { KnownKey, KnownNamespace } from "@fieldlog/admission";
import type { Logger } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { jsonBody } from "../http/json-body.js";
import type { RequestCounts } from "../http/request-counts.js";
import { traced } from "../http/traced.js";
import type { Access } from "../native/access.js";
import { PROBLEM } from "../native/problem.js";
import type { Operation, OperatorOperation } from "./operation.js";
import { refusalBody, refusalOf, refusals } from "./refusal.js";

/** How the dialect's routes are served. */
export interface ServeOptions {
  readonly counts: RequestCounts;
  readonly logger: Pick<Logger, "error">;
  /** Whether the server is stopping: then connections end with their answer. */
  readonly stopping: () => boolean;
}

/** Answers with what it returns, as JSON; undefined: nothing, with 204 unless it said otherwise. */
export type Handle = (request: FastifyRequest, reply: FastifyReply) => Promise<object | undefined>;

/** A server whose bodies are JSON, whatever they say that they are, and whose refusals are problem documents. */
export function prepare(app: FastifyInstance, { logger, stopping }: ServeOptions): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "string" }, (_request, text: string, done) => done(null, text));
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error) ?? refusals.unforeseen();
    if (refusal.status === 500)
      logger.error({ err: error, path: request.routeOptions.url }, "request failed");
    const { retryAfterS } = refusal.more;
    if (retryAfterS !== undefined) void reply.header("retry-after", String(retryAfterS));
    void reply
      .code(refusal.status)
      .type(PROBLEM)
      .send(JSON.stringify(refusalBody(refusal)));
  });
  app.addHook("onSend", async (_request, reply) => {
    if (stopping()) void reply.header("connection", "close");
  });
}

/** What an operator asks, and by what right. */
export interface Asked {
  readonly key: KnownKey;
  readonly namespace: KnownNamespace;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly decidedBy: string;
}

/** Serves one of the operators' paths, for a native key as Bearer that is good for it. */
export function serveOperator(
  app: FastifyInstance,
  options: ServeOptions,
  access: Access,
  operation: OperatorOperation,
  handle: (asked: Asked) => Promise<object | undefined>,
): void {
  serve(app, options, operation, async (request, reply) => {
    const { key, namespace } = await access.namespace(request, operation.needs);
    return handle({ key, namespace, request, reply, decidedBy: `key:${key.id}` });
  });
}

/** Serves one path. */
export function serve(
  app: FastifyInstance,
  { counts }: ServeOptions,
  { method, path: url, name }: Operation,
  handle: Handle,
): void {
  app.route({
    ...{ method, url },
    onResponse: async (_request, reply) => counts.note(`spotflow ${name}`, reply.statusCode),
    handler: async (request, reply) => {
      const answer = await traced(request, `spotflow ${name}`, () => handle(request, reply));
      // It sends something else itself.
      if (reply.sent) return reply;
      if (answer !== undefined) return reply.type("application/json").send(JSON.stringify(answer));
      if (reply.statusCode === 200) void reply.code(204);
      return reply.send();
    },
  });
}

/** The request's body as the schema has it. Raises Refusal 400 naming every wrong field. */
export function bodyOf<S extends z.ZodType>(schema: S, request: FastifyRequest): z.output<S> {
  return jsonBody(schema, request.body, refusals.invalid);
}
