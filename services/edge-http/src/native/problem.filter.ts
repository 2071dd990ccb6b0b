import { LoadsExceeded, retryAfterS } from "@fieldlog/admission";
import { LogUnavailable, QueueFull } from "@fieldlog/event-log";
import { NoSuchObject, ObjectsUnavailable } from "@fieldlog/objects";
import { RpcError } from "@fieldlog/rpc";
import type { Logger } from "@fieldlog/runtime";
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from "@nestjs/common";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { PlainAnswer } from "../http/late.js";
import { unmatched } from "../http/unmatched.js";
import { Problem, problemOf } from "./problem.js";

/** Whatever was thrown on the way of a native request, as a problem document. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Pick<Logger, "error">) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const { url = "" } = request.raw;
    if (!/^\/v1(\/|\?|$)/.test(url) && error instanceof HttpException && error.getStatus() === 404) {
      send(reply, unmatched(request.raw));
      return;
    }
    answerProblem(error, request, reply, this.logger);
  }
}

/** Answers with what was thrown, as a problem document; what was not foreseen is logged. */
export function answerProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Pick<Logger, "error">,
): void {
  const { url = "", method = "" } = request.raw;
  const problem = toProblem(error);
  if (problem.status === 500) {
    const { ns: namespace, device } = (request.params ?? {}) as { ns?: string; device?: string };
    const fields = { method, path: url.split("?")[0], namespace, device };
    logger.error({ err: error, ...fields }, "request failed");
  }
  if (problem.status === 401) void reply.header("www-authenticate", "Bearer");
  const { retryAfterS } = problem.more;
  if (retryAfterS !== undefined) void reply.header("retry-after", String(retryAfterS));
  send(reply, problemOf(problem));
}

function send(reply: FastifyReply, { status, contentType, body }: PlainAnswer): void {
  void reply.code(status).header("content-type", contentType).send(Buffer.from(body, "latin1"));
}

/** What was thrown as what the caller is told; 500 for what was not foreseen. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof RpcError) return rpcProblem(error);
  if (error instanceof LogUnavailable || error instanceof QueueFull) {
    return new Problem(503, "The log cannot be reached.", { retryAfterS: error.retryAfterS });
  }
  if (error instanceof ObjectsUnavailable) {
    return new Problem(503, "The object storage cannot be reached, or is full.", { retryAfterS: 5 });
  }
  if (error instanceof NoSuchObject) return new Problem(404, "Its bytes were removed just now.");
  if (error instanceof LoadsExceeded) return new Problem(503, "Too much at once.", { retryAfterS: 1 });
  if (error instanceof HttpException) {
    const status = error.getStatus();
    return status === 404 ? new Problem(404, "There is no such path.") : new Problem(status, error.message);
  }
  return new Problem(500, "The server failed to answer.");
}

/** The native API's names of what other services call otherwise. */
const fieldNames: Record<string, string> = {
  expires_at: "expires",
  topic_filter: "topic",
  measurement_days: "measurementDays",
  log_days: "logDays",
  "set.tags_json": "tags",
  "set.desired_json": "desired",
  "set.stop_after_failures": "stopAfterFailures",
  "set.take_within_s": "takeWithinS",
  "webhook.url": "delivery.webhook.url",
  "webhook.batch": "delivery.webhook.batch",
  after: "from",
  length_ms: "lengthMs",
  interval_ms: "intervalMs",
  label_color: "labelColor",
  target_samples: "targetSampleCount",
  device_id: "device",
  device_id_mode: "deviceIdMode",
  lifetime_mode: "lifetimeMode",
  registration_lifetime_s: "registrationLifetimeS",
};

function rpcProblem(error: RpcError): Problem {
  const field =
    fieldNames[error.details["field"] ?? ""] ?? error.details["field"]?.replace(/^metadata\./, "");
  switch (error.code) {
    case "not_found":
      return new Problem(404, sentence(error.message));
    case "already_exists":
    case "failed_precondition":
      return new Problem(409, sentence(error.message));
    case "resource_exhausted":
      return exhausted(error);
    case "invalid_argument":
    case "out_of_range":
      return new Problem(400, sentence(error.message), {
        ...(field === undefined ? {} : { errors: [{ field, detail: error.message }] }),
      });
    case "unavailable":
    case "deadline_exceeded":
    case "aborted":
      return new Problem(503, "A service that this needs does not answer.", {
        retryAfterS: retryAfterS(error),
      });
    default:
      return new Problem(500, "The server failed to answer.");
  }
}

/** Wrong tries wear off; what there are too many of does not. */
function exhausted(error: RpcError): Problem {
  const seconds = error.details["retryAfterS"];
  if (seconds === undefined) return new Problem(409, sentence(error.message));
  return new Problem(429, sentence(error.message), { retryAfterS: Number(seconds) });
}

/** A text of another service as one that begins and ends as a sentence does. */
function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
