import type { IncomingMessage, ServerResponse } from "node:http";
import { limits } from "@fieldlog/contracts";
import type { Logger } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { readBody } from "../http/body.js";
import { awaitBody, linger } from "../http/late.js";
import type { RequestCounts } from "../http/request-counts.js";
import { traced } from "../http/traced.js";
import { corsHeaders, preflightHeaders } from "./cors.js";
import { refusalOf } from "./failure.js";
import { readFields } from "./input.js";
import { answerList } from "./list-answer.js";
import { type Operation, type OperationName, operations } from "./operations.js";
import { type Refusal, refusalBody, refusals } from "./refusal.js";
import type { Answer, CredRequest, Handles } from "./request.js";

export interface CredRoutesOptions {
  readonly handles: Handles;
  /** Base URL that clients are told; absent: the one by which they came. */
  readonly publicUrl: string | undefined;
  readonly counts: RequestCounts;
  readonly logger: Pick<Logger, "error">;
  /** Whether requests are traced that do not say so themselves. */
  readonly traced: boolean;
  /** Whether the server is stopping: then connections end with their answer. */
  readonly stopping: () => boolean;
}

type Params = Readonly<Record<string, string>>;
type Take = (params: Params, raw: IncomingMessage, response: ServerResponse) => void;

/** Of routes that carry out no operation. */
const ASIDE = { refuses: true } as const;

/** Never reached: the hook before it has answered. */
function taken(): void {}

/**
 * B3: cred's routes. As CSN's, they stand on Fastify for its router alone. What its paths do not have is refused
 * here, as JSON, and not passed on.
 */
export async function credRoutes(fastify: FastifyInstance, options: CredRoutesOptions): Promise<void> {
  const route = (method: string[], url: string, take: Take, config: { refuses?: true } = {}) => {
    const onRequest = (request: FastifyRequest, reply: FastifyReply, _done: () => void) => {
      reply.hijack();
      const params = request.params as Params;
      const { id } = params;
      // The original's router takes digits alone.
      (id === undefined || /^\d{1,100}$/.test(id) ? take : missing)(params, request.raw, reply.raw);
    };
    fastify.route({ method, url, exposeHeadRoute: false, config, onRequest, handler: taken });
  };
  const refuse = (refusal: Refusal, more: readonly string[] = []): Take => {
    return (_params, raw, response) => {
      raw.resume();
      finish(options, "unmatched", response, refusal, more);
    };
  };
  const missing = refuse(refusals.noPath());
  const all = Object.entries(operations) as [OperationName, Operation][];
  for (const [path, own] of Map.groupBy(all, ([, operation]) => operation.path)) {
    const served = ["OPTIONS"];
    for (const [name, operation] of own) {
      const methods = operation.method === "GET" ? ["GET", "HEAD"] : [operation.method];
      served.push(...methods);
      route(methods, path, (params, raw, response) => serve(options, name, params, raw, response));
    }
    route(["OPTIONS"], path, (_params, raw, response) => preflight(raw, response, served), ASIDE);
    const others = fastify.supportedMethods.filter((method) => !served.includes(method));
    route(others, path, refuse(refusals.noMethod(), ["allow", served.join(", ")]), ASIDE);
  }
  for (const root of ["/auth", "/events", "/clients", "/apikeys"]) {
    route([...fastify.supportedMethods], `${root}/*`, missing, ASIDE);
  }
}

function preflight(raw: IncomingMessage, response: ServerResponse, served: readonly string[]): void {
  raw.resume();
  response.writeHead(200, { ...preflightHeaders(raw, served), "content-length": "0" });
  response.end();
}

function serve(
  options: CredRoutesOptions,
  name: OperationName,
  params: Params,
  raw: IncomingMessage,
  response: ServerResponse,
): void {
  awaitBody(raw.socket, tooSlow);
  readBody(raw, limits.bodyBytes, (body) => {
    if (body === undefined) {
      finish(options, name, response, refusals.tooLarge(), [], true);
      return;
    }
    answer(options, name, params, raw, body)
      .then((answered) => succeed(options, name, response, answered))
      .catch((error) => fail(options, name, response, error));
  });
}

async function answer(
  options: CredRoutesOptions,
  name: OperationName,
  params: Params,
  raw: IncomingMessage,
  body: Uint8Array,
): Promise<Answer> {
  const { headers, url = "" } = raw;
  const begin = url.indexOf("?");
  const request: CredRequest = {
    // Beyond what an id can be, it is all the same: nothing has it.
    id: Math.min(Number(params["id"] ?? 0), Number.MAX_SAFE_INTEGER),
    query: new URLSearchParams(begin < 0 ? "" : url.slice(begin)),
    fields: readFields(body, headers["content-type"]),
    cookie: headers.cookie,
    base: options.publicUrl ?? baseOf(raw),
  };
  const handle = options.handles[name];
  if (!options.traced) return handle(request);
  return traced(raw, `cred ${name}`, () => handle(request));
}

/** From the header Host (B3), where that can be one. */
function baseOf({ headers: { host = "" }, socket }: IncomingMessage): string {
  const protocol = "encrypted" in socket ? "https" : "http";
  const named = /^[\w.:[\]-]{1,255}$/.test(host);
  return `${protocol}://${named ? host : `${socket.localAddress}:${socket.localPort}`}`;
}

/** Rejects for a list that cannot be read; its answer may have begun. */
async function succeed(
  options: CredRoutesOptions,
  name: OperationName,
  response: ServerResponse,
  { json, list, headers = [] }: Answer,
): Promise<void> {
  const { status, message } = operations[name];
  const answered = list === undefined ? undefined : await answerList(list, { status, message });
  if (answered === undefined || typeof answered === "string") {
    const text = answered ?? JSON.stringify({ status, message, ...json });
    send(options, name, response, { status, text }, headers);
    return;
  }
  options.counts.note(`cred ${name}`, status);
  awaitBody(response.req.socket, undefined);
  response.writeHead(status, [...headersOf(response), ...headers]);
  await answered.pipeTo(response);
}

function fail(
  options: CredRoutesOptions,
  name: OperationName,
  response: ServerResponse,
  error: unknown,
): void {
  const refusal = refusalOf(error);
  if (refusal === undefined) options.logger.error({ err: error, operation: name }, "cred request failed");
  // Half a list is to be seen as such.
  if (response.headersSent) response.destroy();
  else finish(options, name, response, refusal ?? refusals.unforeseen());
}

function finish(
  options: CredRoutesOptions,
  name: OperationName | "unmatched",
  response: ServerResponse,
  refusal: Refusal,
  more: readonly string[] = [],
  close = false,
): void {
  const { status, retryAfterS } = refusal;
  const headers = retryAfterS === undefined ? more : [...more, "retry-after", String(retryAfterS)];
  send(options, name, response, { status, text: refusalBody(refusal) }, headers, close);
}

function send(
  options: CredRoutesOptions,
  name: OperationName | "unmatched",
  response: ServerResponse,
  { status, text }: { status: number; text: string },
  more: readonly string[],
  close = false,
): void {
  options.counts.note(`cred ${name}`, status);
  const body = Buffer.from(text);
  const headers = [...headersOf(response), "content-length", String(body.length), ...more];
  if (close || options.stopping()) headers.push("connection", "close");
  awaitBody(response.req.socket, undefined);
  response.writeHead(status, headers);
  if (response.req.complete) response.end(body);
  else linger(response, body.toString("latin1"));
}

function headersOf({ req }: ServerResponse): string[] {
  return [
    ...Object.entries(corsHeaders(req)).flat(),
    "cache-control",
    "no-store",
    "content-type",
    "application/json",
  ];
}

/** To a sender whose request does not arrive in time. */
const tooSlow = { status: 408, contentType: "application/json", body: refusalBody(refusals.tooSlow()) };
