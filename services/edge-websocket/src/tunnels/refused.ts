import { RemoteUnavailable } from "@fieldlog/remote";
import { RpcError } from "@fieldlog/rpc";
import { type Closing, closings } from "./closing.js";

/** What a service refused, or could not answer, as whoever has a tunnel is told it; undefined: not foreseen. */
export function refusedClosing(error: unknown): Closing | undefined {
  if (error instanceof RemoteUnavailable) return closings.unavailable;
  if (!(error instanceof RpcError)) return undefined;
  switch (error.code) {
    case "not_found":
      return closings.badToken;
    case "failed_precondition":
      return preconditionClosing(error);
    default:
      return closings.unavailable;
  }
}

function preconditionClosing({ details, message }: RpcError): Closing {
  if (details["reason"] === "namespace-disabled") return closings.disabled;
  return details["reason"] === "remote-access" ? closings.notAllowed(message) : closings.notThere(message);
}
