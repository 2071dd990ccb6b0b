import type { IncomingMessage, ServerResponse } from "node:http";
import { limits, type offers } from "@fieldlog/contracts";
import type { Logger } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { linger, type PlainAnswer, takesItsTime } from "../http/late.js";
import type { RequestCounts } from "../http/request-counts.js";
import { toProblem } from "../native/problem.filter.js";
import { Problem } from "../native/problem.js";
import { refused, stored, wantsProtobuf } from "./answer.js";
import { atMost, bodyOf, CutOff, type Patience, tooLarge } from "./body.js";
import { AROUND_BYTES, type Content, fileIn, isMultipart } from "./multipart.js";
import { type Resumable, TUS_VERSION, type TusAnswer } from "./resumable.js";
import type { Started, Uploads } from "./uploads.js";

export interface UploadsRoutesOptions {
  readonly uploads: Uploads;
  readonly resumable: Resumable;
  readonly counts: RequestCounts;
  readonly logger: Pick<Logger, "error">;
  readonly stopping: () => boolean;
  readonly now: () => number;
  /** Milliseconds that an upload may go on without a byte. */
  readonly idleMs: number;
  /** Requests under way; counted here. */
  readonly underWay: { count: number };
}

type Handle = (token: string, raw: IncomingMessage) => Promise<PlainAnswer>;

/** In counts and logs; the URL's own path is a secret. */
const NAME = "upload";
const PATH = "/uploads/:token";
const LONGEST_TYPE = 200;
const BUSY_S = 5;

/**
 * Upload URLs. Whoever has one may send what was offered, once: as multipart/form-data (A9), as the bare body of a
 * POST or PUT, or resumable (tus). Bodies go through to the object storage as they come. The token is told to nobody.
 */
export async function uploadsRoutes(fastify: FastifyInstance, options: UploadsRoutesOptions): Promise<void> {
  const { uploads, resumable, now, idleMs, underWay } = options;

  const once: Handle = async (token, raw) => {
    const upload = await uploads.open(token);
    const protobuf = wantsProtobuf(raw.headers, upload.format);
    return await answered(protobuf, upload, async () => {
      const most = Number(upload.maxBytes);
      const content = await contentIn(raw, most, { ...patience, until: Number(upload.expiresAt) });
      const started = await uploads.start(token, false);
      return stored(await uploads.take(started, content.chunks, content.mediaType), protobuf);
    });
  };
  const patience = { idleMs, now };
  const patch: Handle = async (token, raw) => {
    const body = ({ upload }: Started) => bodyOf(raw, { ...patience, until: Number(upload.expiresAt) });
    return tus(await resumable.patch(token, raw.headers, body));
  };

  const serve = (handle: Handle, token: string, raw: IncomingMessage, response: ServerResponse) => {
    const done = takesItsTime(raw.socket);
    underWay.count++;
    const work =
      underWay.count > limits.uploads
        ? Promise.reject(new Problem(503, "Too many uploads at once.", { retryAfterS: BUSY_S }))
        : handle(token, raw);
    work
      .catch((error: unknown) => {
        const problem = told(error, options.logger);
        return problem && withTus(raw, refused(problem, wantsProtobuf(raw.headers, undefined)));
      })
      .then((answer) => answer && finish(options, response, answer))
      .finally(() => {
        underWay.count--;
        done();
      });
  };
  const route = (method: "POST" | "PUT" | "PATCH" | "HEAD" | "OPTIONS", handle: Handle) => {
    const onRequest = (
      request: FastifyRequest<{ Params: { token: string } }>,
      reply: FastifyReply,
      _done: () => void,
    ) => {
      reply.hijack();
      serve(handle, request.params.token, request.raw, reply.raw);
    };
    fastify.route<{ Params: { token: string } }>({ method, url: PATH, onRequest, handler: taken });
  };
  route("POST", once);
  route("PUT", once);
  route("PATCH", patch);
  route("HEAD", async (token) => tus(await resumable.head(token)));
  route("OPTIONS", async () => tus(resumable.options()));

  /** What goes wrong once the upload is known is told in the form that its device reads. */
  async function answered(
    protobuf: boolean,
    { namespace, device }: Pick<offers.Upload, "namespace" | "device">,
    work: () => Promise<PlainAnswer>,
  ): Promise<PlainAnswer> {
    try {
      return await work();
    } catch (error) {
      const problem = told(error, options.logger, { namespace, device });
      if (problem === undefined) throw error;
      return refused(problem, protobuf);
    }
  }
}

/** Never reached: the hook before it has answered. */
function taken(): void {}

/** Raises Problem 400, 413, before a byte was read if that can be. */
async function contentIn(raw: IncomingMessage, most: number, patience: Patience): Promise<Content> {
  const { headers } = raw;
  const body = bodyOf(raw, patience);
  const announced = Number(headers["content-length"] ?? 0);
  if (isMultipart(headers)) {
    if (announced > most + AROUND_BYTES) throw tooLarge(most);
    const file = await fileIn(headers, atMost(body, most + AROUND_BYTES));
    return { chunks: atMost(file.chunks, most), mediaType: mediaTypeIn(file.mediaType) };
  }
  if (announced > most) throw tooLarge(most);
  return { chunks: atMost(body, most), mediaType: mediaTypeIn(headers["content-type"]) };
}

/** As it was given, if it is one. */
function mediaTypeIn(type = ""): string {
  const isOne = type.length <= LONGEST_TYPE && /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;[\x20-\x7e]*)?$/.test(type);
  return isOne ? type : "application/octet-stream";
}

/** Undefined: there is nobody to be told. What was not foreseen is logged, without the URL. */
function told(error: unknown, logger: Pick<Logger, "error">, whose: object = {}): Problem | undefined {
  if (error instanceof CutOff) return undefined;
  const problem = toProblem(error);
  if (problem.status === 500) logger.error({ err: error, ...whose }, "upload failed");
  return problem;
}

function tus({ status, headers, finished }: TusAnswer): PlainAnswer {
  const position = finished && stored(finished, false).headers;
  return {
    ...{ status, contentType: "", body: "" },
    headers: { "tus-resumable": TUS_VERSION, "cache-control": "no-store", ...headers, ...position },
  };
}

/** A refusal of a resumable upload says which version is spoken. */
function withTus({ method, headers }: IncomingMessage, answer: PlainAnswer): PlainAnswer {
  if (headers["tus-resumable"] === undefined && method !== "HEAD" && method !== "PATCH") return answer;
  const version = { "tus-resumable": TUS_VERSION, "tus-version": TUS_VERSION };
  return { ...answer, headers: { ...answer.headers, ...version } };
}

function finish(
  { counts, stopping }: UploadsRoutesOptions,
  response: ServerResponse,
  { status, contentType, body, headers }: PlainAnswer,
): void {
  counts.note(NAME, status);
  const whole = response.req.complete;
  if (contentType !== "") response.setHeader("content-type", contentType);
  for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
  if (status !== 204) response.setHeader("content-length", body.length);
  if (stopping() || !whole) response.setHeader("connection", "close");
  response.writeHead(status);
  if (whole) response.end(body, "latin1");
  else linger(response, body);
}
