import type { IncomingMessage, ServerResponse } from "node:http";
import { limits } from "@fieldlog/contracts";
import type { PublicBase } from "@fieldlog/runtime";
import { currentTraceParent, type Logger, parseTraceParent, withTraceParent } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { readBody } from "../http/body.js";
import { awaitBody, linger } from "../http/late.js";
import type { RequestCounts } from "../http/request-counts.js";
import { type Answer, refused } from "./answer.js";
import type { Commands } from "./commands.js";
import type { DataOffers } from "./data-offers.js";
import type { CsnRequest, Door } from "./door.js";
import { refusalOf } from "./failure.js";
import type { Lookups } from "./lookups.js";
import { refusals } from "./refusal.js";

export interface CsnRoutesOptions {
  readonly door: Door;
  readonly commands: Commands;
  readonly lookups: Lookups;
  readonly data: DataOffers;
  readonly publicBase: PublicBase;
  readonly counts: RequestCounts;
  readonly logger: Pick<Logger, "error">;
  /** Whether requests are traced that do not say so themselves. */
  readonly traced: boolean;
  /** Whether the server is stopping: then connections end with their answer. */
  readonly stopping: () => boolean;
  readonly now: () => number;
}

type Params = { Params: { ns: string; id?: string } };
type Handle = (request: CsnRequest) => Answer | Promise<Answer>;

const PROTOBUF = "application/x-protobuf";
/** A1: `\d+`; a uint64 has at most 20 digits, and no device's id begins with a zero. */
const CLIENT_ID = /^[1-9]\d{0,19}$/;

/**
 * A1: CSN's routes. They stand on Fastify for its router alone: the handler takes over in the first hook,
 * reads the body itself, whatever its content type, and writes the answer to the socket.
 */
export async function csnRoutes(fastify: FastifyInstance, options: CsnRoutesOptions): Promise<void> {
  const { door, commands, lookups, data } = options;
  const post = (path: string, handle: Handle) => {
    const name = path.replace("/api/v1/:ns/", "").replace("/:id", "");
    const onRequest = (request: FastifyRequest<Params>, reply: FastifyReply, _done: () => void) => {
      reply.hijack();
      serve(options, name, handle, request.params, request.raw, reply.raw);
    };
    fastify.post<Params>(path, { onRequest }, taken);
  };
  post("/api/v1/:ns/client/create", (request) => commands.create(request));
  post("/api/v1/:ns/client/update/:id", (request) => commands.update(request));
  post("/api/v1/:ns/client/metadata/:id", (request) => commands.metadata(request));
  post("/api/v1/:ns/client/get-keyvalue/:id", (request) => commands.keyValues(request));
  post("/api/v1/:ns/client/edit-token/:id", (request) => commands.editorToken(request));
  post("/api/v1/:ns/query/name-available", (request) => lookups.nameAvailable(request));
  post("/api/v1/:ns/query/existing-uuid", (request) => lookups.existingUuid(request));
  post("/api/v1/:ns/query/client-from-legacy-id", (request) => lookups.clientFromLegacyId(request));
  post("/api/v1/:ns/query/recent-events", (request) => lookups.recentEvents(request));
  post("/api/v1/:ns/heartbeat/:id", (request) =>
    door.heartbeat(request, (device, heartbeat) => data.heartbeat(request, device, heartbeat)),
  );
  post("/api/v1/:ns/data/offer/:id", (request) => data.offer(request, door));
  post("/api/v1/:ns/event/:id", (request) => door.event(request));

  const onRequest = (request: FastifyRequest, reply: FastifyReply, _done: () => void) => {
    reply.hijack();
    request.raw.resume();
    finish(options, "unmatched", reply.raw, refused(refusals.pathNotFound));
  };
  const config = { refuses: true };
  fastify.post("/api", { onRequest, config }, taken);
  fastify.post("/api/*", { onRequest, config }, taken);
}

/** Never reached: the hook before it has answered. */
function taken(): void {}

function serve(
  options: CsnRoutesOptions,
  name: string,
  handle: Handle,
  params: Params["Params"],
  raw: IncomingMessage,
  response: ServerResponse,
): void {
  const { id = "" } = params;
  awaitBody(raw.socket, tooSlow);
  if (params.id !== undefined && !CLIENT_ID.test(id)) {
    raw.resume();
    finish(options, name, response, refused(refusals.pathNotFound));
    return;
  }
  readBody(raw, limits.bodyBytes, (body) => {
    if (body === undefined) {
      finish(options, name, response, refused(refusals.tooLarge(limits.bodyBytes)), true);
      return;
    }
    const { headers } = raw;
    const traceParent = headers["traceparent"];
    const request: CsnRequest = {
      namespace: params.ns,
      client: id,
      body,
      userAgent: headers["user-agent"],
      traceParent: typeof traceParent === "string" && parseTraceParent(traceParent) ? traceParent : "",
      receivedAt: options.now(),
      base: () => options.publicBase(raw),
    };
    try {
      const answer = options.traced ? inSpan(name, handle, request) : handle(request);
      if (answer instanceof Promise) {
        answer.then(
          (result) => finish(options, name, response, result),
          (error) => finish(options, name, response, failed(options, request, error)),
        );
      } else finish(options, name, response, answer);
    } catch (error) {
      finish(options, name, response, failed(options, request, error));
    }
  });
}

/** Handles a request in a span of its own, which the signal then belongs to. */
function inSpan(name: string, handle: Handle, request: CsnRequest): Promise<Answer> {
  const attributes = { "fieldlog.namespace": request.namespace, "fieldlog.device": request.client };
  return withTraceParent(request.traceParent || undefined, `csn ${name}`, attributes, async () => {
    const own = currentTraceParent();
    const sampled = own?.endsWith("-01") === true;
    return handle({ ...request, traceParent: sampled ? own : "" });
  });
}

function failed(options: CsnRoutesOptions, request: CsnRequest, error: unknown): Answer {
  const refusal = refusalOf(error, request.client);
  if (refusal !== undefined) return refused(refusal);
  options.logger.error(
    { err: error, namespace: request.namespace, device: request.client },
    "CSN request failed",
  );
  return refused(refusals.unforeseen);
}

function finish(
  options: CsnRoutesOptions,
  name: string,
  response: ServerResponse,
  answer: Answer,
  close = options.stopping(),
): void {
  const { body, http, position, retryAfterS } = answer;
  options.counts.note(name, http);
  const headers = ["content-type", PROTOBUF, "content-length", String(body.length)];
  if (position !== undefined) headers.push("fieldlog-position", String(position));
  if (retryAfterS !== undefined) headers.push("retry-after", String(retryAfterS));
  if (close) headers.push("connection", "close");
  awaitBody(response.req.socket, undefined);
  response.writeHead(http, headers);
  if (response.req.complete) response.end(body, "latin1");
  else linger(response, body);
}

/** To a sender whose request does not arrive in time. */
const tooSlow = (() => {
  const { http, body } = refused(refusals.tooSlow);
  return { status: http, contentType: PROTOBUF, body };
})();
