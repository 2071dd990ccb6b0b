import type { IncomingMessage } from "node:http";
import { LoadsExceeded, retryAfterS } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { LogUnavailable } from "@fieldlog/event-log";
import { RpcError } from "@fieldlog/rpc";
import { type Logger, withTraceParent } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { RequestCounts } from "../http/request-counts.js";
import { type Answer, bodyOf, Refusal, refusals } from "./answer.js";
import { corsOf, isPreflight, preflight } from "./cors.js";
import { type Handle, operations } from "./operations.js";
import type { Cred } from "./parts.js";
import { type CredRequest, cookieOf, readBody } from "./request.js";

export interface CredRoutesOptions {
  readonly cred: Cred;
  readonly counts: RequestCounts;
  readonly logger: Pick<Logger, "error">;
  /** Whether connections are to be closed with the next answer. */
  readonly stopping: () => boolean;
}

/** cred's paths. Every answer is JSON, those of the framework too ("What we do", B). */
export async function credRoutes(app: FastifyInstance, options: CredRoutesOptions): Promise<void> {
  app.removeAllContentTypeParsers();
  const parsing = { parseAs: "buffer", bodyLimit: limits.bodyBytes } as const;
  app.addContentTypeParser("*", parsing, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => {
    const { statusCode = 500, message } = error as { statusCode?: number; message: string };
    const refusal = statusCode < 500 ? new Refusal(statusCode, message) : failed(options, request, error);
    return answerWith(options, request, reply, "unmatched", refusal);
  });
  for (const [url, handles] of Object.entries(operations)) {
    const served = Object.keys(handles);
    const allowed = served.includes("GET") ? [...served, "HEAD"] : served;
    for (const method of allowed) {
      const handle = handles[method === "HEAD" ? "GET" : method] as Handle;
      app.route({
        ...{ method, url, exposeHeadRoute: false },
        handler: (request, reply) => serve(options, url, handle, request, reply),
      });
    }
    const others = app.supportedMethods.filter((method) => !allowed.includes(method));
    app.route({
      ...{ method: others, url, exposeHeadRoute: false },
      handler: (request, reply) => refuse(options, request, reply, refusals.noMethod(allowed)),
    });
  }
  for (const url of ["/auth/*", "/events/*", "/clients/*", "/apikeys/*"]) {
    app.route({
      ...{ method: [...app.supportedMethods], url, exposeHeadRoute: false },
      handler: (request, reply) => refuse(options, request, reply, refusals.noPath()),
    });
  }
}

async function refuse(
  options: CredRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: Refusal,
): Promise<FastifyReply> {
  if (isPreflight(request.raw)) return preflight(request, reply);
  return answerWith(options, request, reply, "unmatched", refusal);
}

async function serve(
  options: CredRoutesOptions,
  url: string,
  handle: Handle,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const answer = await answerOf(options, url, handle, request);
  return answerWith(options, request, reply, url, answer);
}

async function answerOf(
  options: CredRoutesOptions,
  url: string,
  handle: Handle,
  request: FastifyRequest,
): Promise<Answer> {
  try {
    const asked = read(request);
    const name = `cred ${request.method} ${url}`;
    return await withTraceParent(asked.traceParent, name, {}, () => handle(options.cred, asked));
  } catch (error) {
    return failed(options, request, error);
  }
}

function read(request: FastifyRequest): CredRequest {
  const { raw, headers } = request;
  const { id } = request.params as { id?: string };
  // The original's routes take digits alone; anything else is no path of its.
  if (id !== undefined && !/^\d{1,15}$/.test(id)) throw refusals.noPath();
  const bytes = request.body instanceof Uint8Array ? request.body : new Uint8Array();
  const body = readBody(headers["content-type"] ?? "", bytes);
  const inBody = body["sessionKey"];
  const traceParent = headers["traceparent"];
  return {
    body,
    sessionKey: cookieOf(headers.cookie, "sessionKey") || (typeof inBody === "string" ? inBody : ""),
    query: new URL(raw.url ?? "", "http://unnamed").searchParams,
    id: Number(id ?? 0),
    base: baseOf(raw),
    traceParent: typeof traceParent === "string" ? traceParent : undefined,
  };
}

/** From the header Host (B3), where that names one. */
function baseOf({ headers, socket }: IncomingMessage): string {
  const protocol = "encrypted" in socket ? "https" : "http";
  const host = headers.host ?? "";
  return `${protocol}://${/^[\w.:[\]-]{1,255}$/.test(host) ? host : `${socket.localAddress}:${socket.localPort}`}`;
}

function failed(options: CredRoutesOptions, request: FastifyRequest, error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof LogUnavailable) return refusals.unavailable(error.retryAfterS);
  if (error instanceof LoadsExceeded) return refusals.unavailable();
  if (error instanceof RpcError) {
    if (error.code === "invalid_argument") return refusals.badRequest(error.message);
    if (error.code === "resource_exhausted") return refusals.tooLarge(error.message);
    if (error.code === "unauthenticated") return refusals.invalidKey();
    if (["unavailable", "deadline_exceeded", "aborted"].includes(error.code)) {
      return refusals.unavailable(retryAfterS(error));
    }
  }
  options.logger.error({ err: error, method: request.method }, "cred request failed");
  return refusals.failed();
}

async function answerWith(
  options: CredRoutesOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  operation: string,
  answer: Answer,
): Promise<FastifyReply> {
  const { status, headers = [] } = answer;
  options.counts.note(`cred ${operation}`, status);
  for (let i = 0; i < headers.length; i += 2) void reply.header(headers[i] as string, headers[i + 1]);
  void reply.headers({ ...corsOf(request.headers.origin), "cache-control": "no-store" });
  if (options.stopping()) void reply.header("connection", "close");
  return reply
    .code(status)
    .type("application/json")
    .send(Buffer.from(bodyOf(answer)));
}
