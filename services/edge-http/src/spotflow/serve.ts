import { type Logger, withTraceParent } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import type { RequestCounts } from "../http/request-counts.js";
import { PROBLEM } from "../native/problem.js";
import { refusalBody, refusalOf, refusals } from "./refusal.js";

/** How the dialect's routes are served. */
export interface ServeOptions {
  readonly counts: RequestCounts;
  readonly logger: Pick<Logger, "error">;
  /** Whether the server is stopping: then connections end with their answer. */
  readonly stopping: () => boolean;
}

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
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

/** Serves one path; `name` is that of its metric and its trace. */
export function serve(
  app: FastifyInstance,
  { counts }: ServeOptions,
  { method, url, name }: { readonly method: Method; readonly url: string; readonly name: string },
  handle: Handle,
): void {
  app.route({
    ...{ method, url },
    onResponse: async (_request, reply) => counts.note(`spotflow ${name}`, reply.statusCode),
    handler: async (request, reply) => {
      const given = request.headers["traceparent"];
      const traceParent = typeof given === "string" ? given : undefined;
      const answer = await withTraceParent(traceParent, `spotflow ${name}`, {}, () => handle(request, reply));
      if (answer !== undefined) return reply.type("application/json").send(JSON.stringify(answer));
      if (reply.statusCode === 200) void reply.code(204);
      return reply.send();
    },
  });
}

/** The request's body as the schema has it. Raises Refusal 400 naming every wrong field. */
export function bodyOf<S extends z.ZodType>(schema: S, request: FastifyRequest): z.output<S> {
  const read = schema.safeParse(parse(request.body));
  if (read.success) return read.data;
  const wrong = read.error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`);
  throw refusals.invalid(wrong.join("; "));
}

function parse(given: unknown): unknown {
  if (typeof given !== "string" || given.trim() === "") return {};
  try {
    return JSON.parse(given);
  } catch {
    throw refusals.invalid("The body is not JSON.");
  }
}
