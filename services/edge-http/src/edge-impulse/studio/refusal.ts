import { RpcError } from "@fieldlog/rpc";
import { notNow } from "../../http/not-now.js";
import { Problem } from "../../native/problem.js";

/** A request that is not granted; told as `{"success": false, "error": …}`. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(
    readonly status: number,
    message: string,
    /** Seconds, for Retry-After. */
    readonly retryAfterS?: number,
  ) {
    super(message);
  }
}

export const refusals = {
  invalid: (what: string) => new Refusal(400, what),
  // The clients look for the first words, and then do not forget their configuration.
  noKey: () => new Refusal(401, "The API key you provided is not valid."),
  insufficient: (needed: string) => new Refusal(403, `This takes an API key with permission ${needed}.`),
  noProject: () => new Refusal(403, "This API key is not good for this project."),
  noDevice: () => new Refusal(404, "There is no such device."),
  noModel: () => new Refusal(404, "The project has no model."),
  noPath: () => new Refusal(404, "There is no such path."),
  notConnected: () => new Refusal(409, "The device is not connected."),
  tooMany: () => new Refusal(429, "Too many requests with this key.", 1),
  unforeseen: () => new Refusal(500, "The server failed to answer."),
  unavailable: (retryAfterS: number) => new Refusal(503, "The server cannot answer just now.", retryAfterS),
} as const;

/** What was thrown on the way as what the client is told; undefined: not foreseen. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (error instanceof Problem) return new Refusal(error.status, error.message, error.more.retryAfterS);
  const seconds = notNow(error);
  if (seconds !== undefined) return refusals.unavailable(seconds);
  if (error instanceof RpcError) return rpcRefusal(error);
  // Fastify's own: a body that is too large, or no JSON.
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
    case "already_exists":
    case "failed_precondition":
    case "resource_exhausted":
      return new Refusal(409, error.message);
    default:
      return undefined;
  }
}
