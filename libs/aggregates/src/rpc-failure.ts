import { InvalidField, TooManyConflicts } from "@fieldlog/decider";
import { LogUnavailable } from "@fieldlog/event-log";
import { RpcError } from "@fieldlog/rpc";
import { SnapshotsUnavailable } from "./snapshots.js";

/** What keeps {@link Aggregates} from answering, and {@link InvalidField}, as callers are told it; undefined: something else. */
export function rpcFailure(error: unknown): RpcError | undefined {
  if (error instanceof LogUnavailable) {
    return new RpcError("unavailable", error.message, { retryAfterS: String(error.retryAfterS) });
  }
  if (error instanceof SnapshotsUnavailable) {
    return new RpcError("unavailable", error.message, { retryAfterS: "1" });
  }
  if (error instanceof InvalidField) {
    return new RpcError("invalid_argument", error.message, { field: error.field });
  }
  if (error instanceof TooManyConflicts) return new RpcError("aborted", error.message);
  return undefined;
}
