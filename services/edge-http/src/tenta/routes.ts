import type { IncomingMessage, ServerResponse } from "node:http";
import { limits, positionOf } from "@fieldlog/contracts";
import type { Logger } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { readBody } from "../http/body.js";
import { awaitBody, linger } from "../http/late.js";
import type { RequestCounts } from "../http/request-counts.js";
import type { AddressOf } from "../http/sender-address.js";
import { traced } from "../http/traced.js";
import { isPreflight, preflight } from "./cors.js";
import { refusalOf } from "./failure.js";
import { Nothing, readFields, readPath, readQuery } from "./input.js";
import { type Operation, type OperationName, operations } from "./operations.js";
import { Refusal, refusalBody, refusals } from "./refusal.js";
import type { Answer, Handle } from "./request.js";

export interface TentaRoutesOptions {
  readonly handles: Readonly<Record<OperationName, Handle>>;
  readonly addressOf: AddressOf;
  readonly counts: RequestCounts;
  readonly logger: Pick<Logger, "error">;
  /** Whether requests are traced that do not say so themselves. */
  readonly traced: boolean;
  /** Whether the server is stopping: then connections end with their answer. */
  readonly stopping: () => boolean;
}

type Params = Readonly<Record<string, string>>;
type Take = (params: Params, raw: IncomingMessage, response: ServerResponse) => void;

/** Never reached: the hook before it has answered. */
function taken(): void {}

/**
 * A3: tenta's routes. As CSN's, they stand on Fastify for its router alone. What its paths do not have is
 * refused here, in its own words, and not passed on.
 */
export async function tentaRoutes(fastify: FastifyInstance, options: TentaRoutesOptions): Promise<void> {
  const route = (method: string[], url: string, take: Take, config: { refuses?: true } = {}) => {
    const onRequest = (request: FastifyRequest, reply: FastifyReply, _done: () => void) => {
      reply.hijack();
      const params = request.params as Params;
      // The router takes nothing at all for a parameter.
      const there = !Object.values(params).includes("");
      (there ? take : missing)(params, request.raw, reply.raw);
    };
    fastify.route({ method, url, exposeHeadRoute: false, config, onRequest, handler: taken });
  };
  const refuse = (refusal: Refusal, headers: string[] = []): Take => {
    return (_params, raw, response) => {
      raw.resume();
      if (isPreflight(raw)) preflight(raw, response);
      else finish(options, "unmatched", response, refusal, headers);
    };
  };
  const missing = refuse(refusals.noPath());
  const all = Object.entries(operations) as [OperationName, Operation][];
  for (const [path, own] of Map.groupBy(all, ([, operation]) => operation.path)) {
    const served: string[] = [];
    for (const [name, operation] of own) {
      const methods = operation.method === "GET" ? ["GET", "HEAD"] : [operation.method];
      served.push(...methods);
      route(methods, path, (params, raw, response) => serve(options, name, params, raw, response));
    }
    const others = fastify.supportedMethods.filter((method) => !served.includes(method));
    const allow = ["allow", served.join(", ")];
    route(others, path, refuse(refusals.noMethod(served), allow), { refuses: true });
  }
  for (const root of ["/status", "/users", "/authentication", "/networks"]) {
    route(fastify.supportedMethods, `${root}/*`, missing, { refuses: true });
  }
}

function serve(
  options: TentaRoutesOptions,
  name: OperationName,
  params: Params,
  raw: IncomingMessage,
  response: ServerResponse,
): void {
  awaitBody(raw.socket, tooSlow);
  readBody(raw, limits.bodyBytes, (body) => {
    if (body === undefined) {
      const refusal = new Refusal(413, `The body is larger than ${limits.bodyBytes} bytes.`);
      finish(options, name, response, refusal, [], true);
      return;
    }
    answer(options, name, params, raw, body).then(
      (answered) => finish(options, name, response, answered),
      (error) => finish(options, name, response, failed(options, name, error)),
    );
  });
}

/** First what the request itself gets wrong; then whether who asks may (A3.3). */
async function answer(
  options: TentaRoutesOptions,
  name: OperationName,
  params: Params,
  raw: IncomingMessage,
  body: Uint8Array,
): Promise<Answer> {
  const operation: Operation = operations[name];
  readPath(params);
  const query = readQuery(raw.url ?? "", operation.query ?? []);
  if (operation.body !== true) readFields(Nothing, body);
  const request = {
    ...{ who: operation.who, params, query, body },
    authorization: raw.headers.authorization,
    address: options.addressOf(raw),
    host: raw.headers.host ?? "",
  };
  const handle = options.handles[name];
  if (!options.traced) return handle(request);
  return traced(raw, `tenta ${name}`, () => handle(request));
}

function failed(options: TentaRoutesOptions, name: OperationName, error: unknown): Refusal {
  const refusal = refusalOf(error);
  if (refusal !== undefined) return refusal;
  options.logger.error({ err: error, operation: name }, "tenta request failed");
  return refusals.unforeseen();
}

function finish(
  options: TentaRoutesOptions,
  name: OperationName | "unmatched",
  response: ServerResponse,
  answered: Answer | Refusal,
  more: readonly string[] = [],
  close = options.stopping(),
): void {
  const { status, text, headers } = rendered(name, answered);
  options.counts.note(`tenta ${name}`, status);
  const body = Buffer.from(text);
  headers.push("access-control-allow-origin", "*", "cache-control", "no-store", ...more);
  if (status !== 204) headers.push("content-type", "application/json", "content-length", String(body.length));
  if (close) headers.push("connection", "close");
  awaitBody(response.req.socket, undefined);
  response.writeHead(status, headers);
  if (response.req.complete) response.end(body);
  else linger(response, body.toString("latin1"));
}

function rendered(name: OperationName | "unmatched", answered: Answer | Refusal) {
  if (answered instanceof Refusal) {
    const headers: string[] = [];
    if (answered.status === 401) headers.push("www-authenticate", "Bearer");
    if (answered.retryAfterS !== undefined) headers.push("retry-after", String(answered.retryAfterS));
    return { status: answered.status, text: refusalBody(answered), headers };
  }
  const { json, sequence } = answered;
  const text = answered.text ?? (json === undefined ? "" : JSON.stringify(json));
  const headers =
    sequence === undefined ? [] : ["fieldlog-position", String(positionOf(Number(sequence), 0))];
  return { status: name === "unmatched" ? 404 : operations[name].status, text, headers };
}

/** To a sender whose request does not arrive in time. */
const tooSlow = {
  status: 408,
  contentType: "application/json",
  body: refusalBody(new Refusal(408, "The request did not arrive in time.")),
};
