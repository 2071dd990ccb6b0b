import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { limits } from "@fieldlog/contracts";
import { type Logger, withTraceParent } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { readBody } from "../http/body.js";
import { awaitBody, linger } from "../http/late.js";
import type { RequestCounts } from "../http/request-counts.js";
import { corsHeaders, preflightHeaders } from "./cors.js";
import { refusalOf } from "./failure.js";
import { readFields } from "./input.js";
import { type Operation, type OperationName, operations } from "./operations.js";
import { Refusal, refusalBody, refusals } from "./refusal.js";
import type { Answer, CredRequest, Handles } from "./request.js";

export interface CredRoutesOptions {
  readonly handles: Handles;
  readonly counts: RequestCounts;
  readonly logger: Pick<Logger, "error">;
  /** Whether requests are traced that do not say so themselves. */
  readonly traced: boolean;
  /** Whether the server is stopping: then connections end with their answer. */
  readonly stopping: () => boolean;
  /** What resources' addresses begin with, where that is not as the client calls the server. */
  readonly publicUrl: string | undefined;
}

type Take = (
  params: Readonly<Record<string, string>>,
  raw: IncomingMessage,
  response: ServerResponse,
) => void;

const ID = /^\d{1,15}$/;

/** Never reached: the hook before it has answered. */
function taken(): void {}

/**
 * B3: cred's routes. As tenta's, they stand on Fastify for its router alone. What its paths do not have is refused
 * here, as JSON.
 */
export async function credRoutes(fastify: FastifyInstance, options: CredRoutesOptions): Promise<void> {
  const route = (method: readonly string[], url: string, take: Take) => {
    const onRequest = (request: FastifyRequest, reply: FastifyReply, _done: () => void) => {
      reply.hijack();
      take(request.params as Record<string, string>, request.raw, reply.raw);
    };
    fastify.route({ method: [...method], url, exposeHeadRoute: false, onRequest, handler: taken });
  };
  const refuse = (refusal: Refusal, served: readonly string[]): Take => {
    return (_params, raw, response) => {
      raw.resume();
      const asks = raw.method === "OPTIONS" && raw.headers["access-control-request-method"] !== undefined;
      if (asks) response.writeHead(200, preflightHeaders(raw, [...served, "OPTIONS"])).end();
      else finish(options, "unmatched", response, refusal, ["allow", served.join(", ")]);
    };
  };
  const all = Object.entries(operations) as [OperationName, Operation][];
  for (const [path, own] of Map.groupBy(all, ([, operation]) => operation.path)) {
    const served: string[] = [];
    for (const [name, { method }] of own) {
      const methods = method === "GET" ? ["GET", "HEAD"] : [method];
      served.push(...methods);
      route(methods, path, (params, raw, response) => serve(options, name, params, raw, response));
    }
    const others = fastify.supportedMethods.filter((method) => !served.includes(method));
    route(others, path, refuse(refusals.noMethod(), served));
  }
  for (const root of ["/auth", "/events", "/clients", "/apikeys"]) {
    route(fastify.supportedMethods, `${root}/*`, refuse(refusals.noPath(), []));
  }
}

function serve(
  options: CredRoutesOptions,
  name: OperationName,
  params: Readonly<Record<string, string>>,
  raw: IncomingMessage,
  response: ServerResponse,
): void {
  awaitBody(raw.socket, tooSlow);
  readBody(raw, limits.bodyBytes, (body) => {
    if (body === undefined) {
      finish(options, name, response, refusals.tooLarge(), [], true);
      return;
    }
    answer(options, name, params, raw, body).then(
      (answered) => send(options, name, response, answered),
      (error) => finish(options, name, response, failed(options, name, error)),
    );
  });
}

async function answer(
  options: CredRoutesOptions,
  name: OperationName,
  { id = "0" }: Readonly<Record<string, string>>,
  raw: IncomingMessage,
  body: Uint8Array,
): Promise<Answer> {
  // The original's paths take digits alone (B3).
  if (!ID.test(id)) throw refusals.noPath();
  const request: CredRequest = {
    id: Number(id),
    query: new URL(raw.url ?? "", "http://unnamed").searchParams,
    fields: readFields(body, raw.headers["content-type"]),
    cookie: raw.headers.cookie,
    base: options.publicUrl ?? baseOf(raw),
  };
  const handle = options.handles[name];
  if (!options.traced) return handle(request);
  const given = raw.headers["traceparent"];
  const traceParent = typeof given === "string" ? given : undefined;
  return withTraceParent(traceParent, `cred ${name}`, {}, () => handle(request));
}

/** From the header Host (B3), where that names one. */
function baseOf({ headers, socket }: IncomingMessage): string {
  const { host = "" } = headers;
  const named = /^[\w.:[\]-]{1,255}$/.test(host) ? host : `${socket.localAddress}:${socket.localPort}`;
  return `${"encrypted" in socket ? "https" : "http"}://${named}`;
}

/** A list goes out as it is read; with its first page it is known that it can be. */
async function send(
  options: CredRoutesOptions,
  name: OperationName,
  response: ServerResponse,
  answered: Answer,
): Promise<void> {
  const { json, list, headers = [] } = answered;
  if (list === undefined) {
    finish(options, name, response, bodyOf(name, json ?? {}), headers);
    return;
  }
  const [key, pages] = list;
  const end = bodyOf(name, { [key]: [] });
  let text = end.slice(0, -"]}".length);
  let separator = "";
  try {
    for await (const page of pages) {
      text += separator + page.join(",");
      separator = ",";
      if (text.length < CHUNK || response.closed) continue;
      if (!response.headersSent) begin(options, name, response, headers);
      if (!response.write(text)) await Promise.race([once(response, "drain"), once(response, "close")]);
      text = "";
    }
  } catch (error) {
    const refusal = failed(options, name, error);
    if (response.headersSent) response.destroy();
    else finish(options, name, response, refusal);
    return;
  }
  if (response.headersSent) response.end(`${text}]}`);
  else finish(options, name, response, `${text}]}`, headers);
}

/** Characters of a list that are sent before the rest of it is read. */
const CHUNK = 256 * 1024;

function bodyOf(name: OperationName, json: Readonly<Record<string, unknown>>): string {
  const { status, message } = operations[name];
  return JSON.stringify({ status, message, ...json });
}

function begin(
  options: CredRoutesOptions,
  name: OperationName,
  response: ServerResponse,
  more: readonly string[],
): void {
  const { status } = operations[name];
  options.counts.note(`cred ${name}`, status);
  awaitBody(response.req.socket, undefined);
  response.writeHead(status, headersOf(response, more, options.stopping()));
}

function headersOf(response: ServerResponse, more: readonly string[], close: boolean): string[] {
  const headers = ["content-type", "application/json", "cache-control", "no-store"];
  headers.push(...corsHeaders(response.req), ...more);
  if (close) headers.push("connection", "close");
  return headers;
}

function failed(options: CredRoutesOptions, name: OperationName, error: unknown): Refusal {
  const refusal = refusalOf(error);
  if (refusal !== undefined) return refusal;
  options.logger.error({ err: error, operation: name }, "cred request failed");
  return refusals.unforeseen();
}

function finish(
  options: CredRoutesOptions,
  name: OperationName | "unmatched",
  response: ServerResponse,
  answered: string | Refusal,
  more: readonly string[] = [],
  close = options.stopping(),
): void {
  const refused = answered instanceof Refusal;
  const status = refused ? answered.status : name === "unmatched" ? 404 : operations[name].status;
  options.counts.note(`cred ${name}`, status);
  const body = Buffer.from(refused ? refusalBody(answered) : answered);
  const headers = headersOf(response, more, close);
  headers.push("content-length", String(body.length));
  if (refused && answered.retryAfterS !== undefined)
    headers.push("retry-after", String(answered.retryAfterS));
  awaitBody(response.req.socket, undefined);
  response.writeHead(status, headers);
  if (response.req.complete) response.end(body);
  else linger(response, body.toString("latin1"));
}

/** To a sender whose request does not arrive in time. */
const tooSlow = {
  status: 408,
  contentType: "application/json",
  body: refusalBody(refusals.tooSlow()),
};
