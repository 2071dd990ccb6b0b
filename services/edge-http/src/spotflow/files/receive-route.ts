import type { IncomingMessage, ServerResponse } from "node:http";
import { limits } from "@fieldlog/contracts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { linger, takesItsTime } from "../../http/late.js";
import { PROBLEM } from "../../native/problem.js";
import { atMost, bodyOf, CutOff, tooLarge } from "../../uploads/body.js";
import { type Refusal, refusalBody, refusalOf, refusals } from "../refusal.js";
import type { ServeOptions } from "../serve.js";
import { fileOperations } from "./file-operations.js";
import type { FileUploads } from "./file-uploads.js";

export interface ReceiveRouteParts {
  readonly files: FileUploads;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

type Asked = FastifyRequest<{ Params: { blob: string }; Querystring: { sig?: string | string[] } }>;
const BUSY_S = 5;

/** Step two of B4: the bytes go through to the object storage as they come. The URL is a capability, and is told to nobody. */
export function receiveRoute(
  app: FastifyInstance,
  { files, now }: ReceiveRouteParts,
  options: ServeOptions,
): void {
  let underWay = 0;
  const receive = async (asked: Asked): Promise<void> => {
    const { raw, params, query } = asked;
    if (underWay > limits.uploads) throw refusals.unavailable(BUSY_S);
    const { sig } = query;
    const { upload, put } = await files.open(typeof sig === "string" ? sig : "", params.blob);
    const most = limits.streamMessageBytes;
    if (Number(raw.headers["content-length"] ?? 0) > most) throw tooLarge(most);
    const patience = { idleMs: limits.uploadIdleMs, until: Number(upload.expiresAt), now };
    await put(atMost(bodyOf(raw, patience), most));
  };
  const onRequest = (request: FastifyRequest, reply: FastifyReply, _done: () => void) => {
    reply.hijack();
    const { raw } = request;
    const done = takesItsTime(raw.socket);
    underWay++;
    receive(request as Asked)
      .then(
        () => finish(options, reply.raw, undefined),
        (error: unknown) => {
          // There is nobody to be told.
          if (error instanceof CutOff) return;
          const refusal = refusalOf(error) ?? refusals.unforeseen();
          if (refusal.status === 500) options.logger.error({ err: error }, "an upload failed");
          finish(options, reply.raw, refusal);
        },
      )
      .finally(() => {
        underWay--;
        done();
      });
  };
  const { method, path: url } = fileOperations.put;
  app.route({ method, url, onRequest, handler: taken });
}

/** Never reached: the hook before it has answered. */
function taken(): void {}

function finish(
  { counts, stopping }: ServeOptions,
  response: ServerResponse<IncomingMessage>,
  refusal: Refusal | undefined,
): void {
  const status = refusal?.status ?? 201;
  counts.note(`spotflow ${fileOperations.put.name}`, status);
  const body = refusal === undefined ? "" : JSON.stringify(refusalBody(refusal));
  const whole = response.req.complete;
  if (refusal !== undefined) response.setHeader("content-type", PROBLEM);
  const { retryAfterS } = refusal?.more ?? {};
  if (retryAfterS !== undefined) response.setHeader("retry-after", String(retryAfterS));
  response.setHeader("content-length", Buffer.byteLength(body));
  if (stopping() || !whole) response.setHeader("connection", "close");
  response.writeHead(status);
  if (whole) response.end(body);
  else linger(response, body);
}
