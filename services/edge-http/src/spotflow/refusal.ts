import { STATUS_CODES } from "node:http";
import { RpcError } from "@fieldlog/rpc";
import { notNow } from "../http/not-now.js";
import { Problem } from "../native/problem.js";

/** What the dialect's clients tell refusals by (its reference, section B2). */
const TYPES = "/problems/deviceProvisioning";

/** A request that is not granted; told as a problem document (RFC 7807) of a type that the clients may look at. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly more: {
      /** Default "about:blank". */
      readonly type?: string;
      /** Default: what the status says. */
      readonly title?: string;
      /** Seconds, for Retry-After. */
      readonly retryAfterS?: number;
    } = {},
  ) {
    super(detail);
  }
}

/** As the document that is sent. */
export function refusalBody({ status, detail, more }: Refusal): object {
  const title = more.title ?? STATUS_CODES[status] ?? "Error";
  return { type: more.type ?? "about:blank", title, status, detail };
}

export const refusals = {
  invalid: (what: string) => new Refusal(400, what, { title: what }),
  noToken: (what: string) => new Refusal(401, `The ${what} is not valid.`, { type: `${TYPES}/invalidToken` }),
  disabled: () =>
    new Refusal(423, "The workspace is disabled.", { type: "/problems/workspaceDisabled", retryAfterS: 60 }),
  cancelled: () =>
    new Refusal(410, "The provisioning operation was cancelled.", {
      type: `${TYPES}/provisioningOperationCancelled`,
      title: "Provisioning operation cancelled",
    }),
  expired: () =>
    new Refusal(410, "The provisioning operation has expired, or there is none.", {
      type: `${TYPES}/provisioningOperationExpired`,
      title: "Provisioning operation expired",
    }),
  tokenGone: () =>
    new Refusal(410, "The registration token has expired or was revoked.", {
      type: `${TYPES}/registrationTokenInvalid`,
    }),
  tooMany: (seconds: number) => new Refusal(429, "Too many requests.", { retryAfterS: seconds }),
  unforeseen: () => new Refusal(500, "The server failed to answer."),
  unavailable: (seconds: number) =>
    new Refusal(503, "The server cannot answer just now.", { retryAfterS: seconds }),
} as const;

/** What was thrown on the way as what the caller is told; undefined: not foreseen. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (error instanceof Problem) {
    const { retryAfterS: seconds } = error.more;
    return new Refusal(error.status, error.detail, seconds === undefined ? {} : { retryAfterS: seconds });
  }
  // Aborted is what others decided first: it is no use to ask the same again.
  if (error instanceof RpcError && error.code === "aborted") return new Refusal(409, error.message);
  const seconds = notNow(error);
  if (seconds !== undefined) return refusals.unavailable(seconds);
  if (error instanceof RpcError) return rpcRefusal(error);
  // Fastify's own: a body that is too large.
  const { statusCode = 500, message } = error as { statusCode?: number; message?: string };
  return statusCode < 500 ? new Refusal(statusCode, message ?? "") : undefined;
}

function rpcRefusal(error: RpcError): Refusal | undefined {
  switch (error.code) {
    case "invalid_argument":
    case "out_of_range":
      return refusals.invalid(error.message);
    case "not_found":
      return new Refusal(404, error.message);
    case "permission_denied":
      return new Refusal(403, error.message);
    case "failed_precondition":
      return preconditionRefusal(error);
    case "already_exists":
      return new Refusal(409, error.message);
    case "resource_exhausted":
      return refusals.tooMany(Number(error.details["retryAfterS"]) || 60);
    default:
      return undefined;
  }
}

function preconditionRefusal(error: RpcError): Refusal {
  switch (error.details["reason"]) {
    case "namespace-disabled":
      return refusals.disabled();
    case "cancelled":
      return refusals.cancelled();
    case "expired":
      return refusals.expired();
    case "gone":
      return refusals.tokenGone();
    case "registrations":
      return new Refusal(403, error.message, { type: `${TYPES}/registrationsUsed` });
    default:
      return new Refusal(409, error.message);
  }
}
