import { LoadsExceeded, retryAfterS } from "@fieldlog/admission";
import { LogUnavailable, QueueFull } from "@fieldlog/event-log";
import { RpcError } from "@fieldlog/rpc";
import { Refusal, refusals } from "./refusal.js";

/** What was thrown on the way as what the client is told; undefined: not foreseen. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (error instanceof LogUnavailable || error instanceof QueueFull) {
    return refusals.unavailable(error.retryAfterS);
  }
  if (error instanceof LoadsExceeded) return refusals.unavailable(1);
  if (!(error instanceof RpcError)) return undefined;
  switch (error.code) {
    case "invalid_argument":
    case "out_of_range":
      return refusals.invalid(error.message);
    case "resource_exhausted":
      return new Refusal(409, error.message);
    case "unavailable":
    case "deadline_exceeded":
    case "aborted":
    case "cancelled":
      return refusals.unavailable(retryAfterS(error));
    default:
      return undefined;
  }
}
