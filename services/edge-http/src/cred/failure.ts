import { RpcError } from "@fieldlog/rpc";
import { notNow } from "../http/not-now.js";
import { Refusal, refusals } from "./refusal.js";

/** What was thrown on the way as what the client is told; undefined: not foreseen. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  const seconds = notNow(error);
  if (seconds !== undefined) return refusals.unavailable(seconds);
  if (!(error instanceof RpcError)) return undefined;
  switch (error.code) {
    case "invalid_argument":
    case "out_of_range":
      return refusals.invalid(error.message);
    case "resource_exhausted":
      return new Refusal(409, error.message);
    default:
      return undefined;
  }
}
