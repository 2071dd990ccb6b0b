import { retryAfterS } from "@fieldlog/admission";
import { RpcError } from "@fieldlog/rpc";
import { notNow } from "../http/not-now.js";
import { type Refusal, refusals } from "./refusal.js";

/** What was thrown on the way as what the client is told; undefined: not foreseen. */
export function refusalOf(error: unknown, client: string): Refusal | undefined {
  if (error instanceof RpcError && error.code === "deadline_exceeded") {
    return refusals.deadlineExceeded(retryAfterS(error));
  }
  const seconds = notNow(error);
  if (seconds !== undefined) return refusals.unavailable(seconds);
  if (!(error instanceof RpcError)) return undefined;
  switch (error.code) {
    case "already_exists":
      return refusals.nameUnavailable;
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
