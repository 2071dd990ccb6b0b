import { LoadsExceeded, retryAfterS } from "@fieldlog/admission";
import { LogUnavailable, QueueFull } from "@fieldlog/event-log";
import { ObjectsUnavailable } from "@fieldlog/objects";
import { RemoteUnavailable } from "@fieldlog/remote";
import { type RpcCode, RpcError } from "@fieldlog/rpc";

const NOT_NOW: ReadonlySet<RpcCode> = new Set([
  ...(["unavailable", "deadline_exceeded", "aborted", "cancelled"] as const),
]);

/** Where Fieldlog cannot answer just now: seconds after which it is to be asked again. undefined: it is something else. */
export function notNow(error: unknown): number | undefined {
  if (error instanceof LogUnavailable || error instanceof QueueFull) return error.retryAfterS;
  if (error instanceof RpcError && NOT_NOW.has(error.code)) return retryAfterS(error);
  if (error instanceof LoadsExceeded || error instanceof RemoteUnavailable) return 1;
  return error instanceof ObjectsUnavailable ? 5 : undefined;
}
