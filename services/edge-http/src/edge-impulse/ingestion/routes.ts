import type { IncomingMessage, ServerResponse } from "node:http";
import { limits } from "@fieldlog/contracts";
import type { Logger } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { linger, type PlainAnswer, takesItsTime } from "../../http/late.js";
import type { RequestCounts } from "../../http/request-counts.js";
import { traced } from "../../http/traced.js";
import { bodyOf } from "../../uploads/body.js";
import type { Caller, Projects } from "../studio/projects.js";
import { refusals } from "../studio/refusal.js";
import type { Ingestion } from "./ingestion.js";
import type { Receiving } from "./receiving.js";
import { ingestionRefusals, refusalOf } from "./refusal.js";
import type { Room } from "./room.js";
import { takeData } from "./take-data.js";
import { takeFiles } from "./take-files.js";
import { latin1 } from "./text.js";

export interface IngestionRoutesOptions {
  readonly ingestion: Ingestion;
  readonly room: Room;
  readonly projects: Projects;
  readonly counts: RequestCounts;
  readonly logger: Pick<Logger, "error">;
  /** Whether the server is stopping: then connections end with their answer. */
  readonly stopping: () => boolean;
  /** ms since 1970 UTC. */
  readonly now: () => number;
  /** Requests under way; counted here. */
  readonly underWay: { count: number };
}

type Take = (receiving: Receiving) => Promise<PlainAnswer>;
type TellError = (message: string) => Pick<PlainAnswer, "contentType" | "body">;

interface Kind {
  readonly name: "data" | "files";
  readonly take: Take;
  readonly tellError: TellError;
}

/** Where samples may be sent. */
export const CATEGORIES = [
  "training",
  "testing",
  "anomaly",
  "split",
  "validation",
  "post-processing",
] as const;

const KINDS: readonly Kind[] = [
  {
    ...{ name: "data", take: takeData },
    tellError: (message) => ({ contentType: "text/plain; charset=utf-8", body: latin1(message) }),
  },
  {
    ...{ name: "files", take: takeFiles },
    tellError: (message) => ({
      contentType: "application/json",
      body: latin1(JSON.stringify({ success: false, error: message })),
    }),
  },
];

/** Pages of the web upload as well: what lets them is the key, which no browser sends by itself. */
const CORS = { "access-control-allow-origin": "*" };
const PREFLIGHT = {
  ...CORS,
  "access-control-allow-methods": "POST",
  "access-control-allow-headers": "*",
  "access-control-max-age": "86400",
};

/** Reference section 4. As uploads, bodies go through as they come. */
export async function ingestionRoutes(
  fastify: FastifyInstance,
  options: IngestionRoutesOptions,
): Promise<void> {
  for (const category of CATEGORIES) {
    for (const kind of KINDS) {
      const url = `/api/${category}/${kind.name}`;
      const route = (method: string[], config: { refuses?: true }, take: Answer) => {
        const onRequest = ({ raw }: FastifyRequest, reply: FastifyReply, _done: () => void) => {
          reply.hijack();
          take(options, kind, category, raw, reply.raw);
        };
        fastify.route({ method, url, exposeHeadRoute: false, config, onRequest, handler: taken });
      };
      route(["POST"], {}, serve);
      const others = fastify.supportedMethods.filter((method) => method !== "POST");
      route(others, { refuses: true }, aside);
    }
  }
}

type Answer = (
  options: IngestionRoutesOptions,
  kind: Kind,
  category: string,
  raw: IncomingMessage,
  response: ServerResponse,
) => void;

/** Never reached: the hook before it has answered. */
function taken(): void {}

/** Other methods than POST: what a page asks before it sends, and what is not served. */
function aside(
  options: IngestionRoutesOptions,
  kind: Kind,
  _category: string,
  raw: IncomingMessage,
  response: ServerResponse,
): void {
  raw.resume();
  const preflight = { status: 204, contentType: "", body: "", headers: PREFLIGHT };
  finish(
    options,
    kind,
    response,
    raw.method === "OPTIONS" ? preflight : told(kind, ingestionRefusals.noMethod()),
  );
}

function serve(
  options: IngestionRoutesOptions,
  kind: Kind,
  category: string,
  raw: IncomingMessage,
  response: ServerResponse,
): void {
  const { underWay } = options;
  const done = takesItsTime(raw.socket);
  underWay.count++;
  traced(raw, `ingestion ${kind.name}`, () => answer(options, kind, category, raw))
    .catch((error: unknown) => {
      const refusal = refusalOf(error);
      if (refusal?.status === 500) options.logger.error({ err: error, category }, "an upload failed");
      return refusal && told(kind, refusal);
    })
    .then((answered) => answered && finish(options, kind, response, answered))
    .finally(() => {
      underWay.count--;
      done();
    });
}

async function answer(
  { underWay, projects, ingestion, room, now }: IngestionRoutesOptions,
  { take }: Kind,
  category: string,
  raw: IncomingMessage,
): Promise<PlainAnswer> {
  if (underWay.count > limits.uploads) throw ingestionRefusals.tooMuch();
  const { headers } = raw;
  const caller = await callerOf(projects, raw);
  const patience = { idleMs: limits.uploadIdleMs, until: now() + limits.uploadMs, now };
  return take({ ingestion, room, caller, category, headers, now, body: () => bodyOf(raw, patience) });
}

/** Raises Refusal 401, 403, 423, 429. */
async function callerOf(projects: Projects, { headers }: IncomingMessage): Promise<Caller> {
  const key = await projects.keyOf(headers);
  if (key.namespace === "") throw ingestionRefusals.installationKey();
  const [namespace] = await projects.of(key);
  if (namespace === undefined) throw refusals.noKey();
  if (namespace.disabled) throw ingestionRefusals.disabled();
  if (key.permission === "read") throw refusals.insufficient("write");
  return { key, namespace, decidedBy: `key:${key.id}` };
}

function told(
  { tellError }: Kind,
  refusal: { status: number; message: string; retryAfterS?: number | undefined },
) {
  const { status, message, retryAfterS } = refusal;
  const headers = retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) };
  return { status, ...tellError(message), headers };
}

function finish(
  { counts, stopping }: IngestionRoutesOptions,
  { name }: Kind,
  response: ServerResponse,
  { status, contentType, body, headers }: PlainAnswer,
): void {
  counts.note(`ingestion ${name}`, status);
  const whole = response.req.complete;
  const all = { ...CORS, "cache-control": "no-store", "x-content-type-options": "nosniff", ...headers };
  for (const [header, value] of Object.entries(all)) response.setHeader(header, value);
  if (contentType !== "") response.setHeader("content-type", contentType);
  if (status !== 204) response.setHeader("content-length", body.length);
  if (stopping() || !whole) response.setHeader("connection", "close");
  response.writeHead(status);
  if (whole) response.end(body, "latin1");
  else linger(response, body);
}
