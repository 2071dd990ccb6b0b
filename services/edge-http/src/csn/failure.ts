import { LoadsExceeded, retryAfterS } from "@fieldlog/admission";
import { LogUnavailable, QueueFull } from "@fieldlog/event-log";
import { RpcError } from "@fieldlog/rpc";
import { type Refusal, refusals } from "./refusal.js";

/** What was thrown on the way as what the client is told; undefined: not foreseen. */
export function refusalOf(error: unknown, client: string): Refusal | undefined {
  if (error instanceof LogUnavailable || error instanceof QueueFull) {
    return refusals.unavailable(error.retryAfterS);
  }
  if (error instanceof LoadsExceeded) return refusals.unavailable(1);
  if (!(error instanceof RpcError)) return undefined;
  switch (error.code) {
    case "deadline_exceeded":
      return refusals.deadlineExceeded(retryAfterS(error));
    case "already_exists":
      return refusals.nameUnavailable;
    case "unavailable":
    case "aborted":
    case "cancelled":
      return refusals.unavailable(retryAfterS(error));
    case "not_found":
      return refusals.unknownClient(client);
    case "failed_precondition":
      return refusals.unknownSensor(error.details["sensor"] ?? "");
    case "invalid_argument":
    case "resource_exhausted":
      return refusals.invalid(error.message);
    default:
      return undefined;
  }
}
