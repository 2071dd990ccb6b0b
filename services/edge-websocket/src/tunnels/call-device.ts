import { limits } from "@fieldlog/contracts";
import type { RemoteDevices } from "@fieldlog/remote";
import { currentTraceParent } from "@fieldlog/runtime";
import { type Closing, closings } from "./closing.js";

/** The method that a device is called by (spotflow reference, B6). */
const METHOD = "!remote-access";
/** The edge answers for a device that does not; it is given that much longer. */
const EDGE_MS = 2_000;

export interface Call {
  /** Id. */
  readonly namespace: string;
  readonly device: string;
  readonly tunnel: string;
  readonly port: number;
  /** Where the device finds its end. Good for one use; never logged. */
  readonly uri: string;
}

/** Asks a device to come to a tunnel. undefined: it does; otherwise why not. Raises RemoteUnavailable. */
export async function callDevice(
  remote: Pick<RemoteDevices, "ask">,
  { namespace, device, tunnel: tunnelId, port, uri: tunnelSecureUri }: Call,
): Promise<Closing | undefined> {
  const traceparentHeader = currentTraceParent();
  const asked = { tunnelId, port, tunnelSecureUri, ...(traceparentHeader && { traceparentHeader }) };
  const value = { name: METHOD, payload: Buffer.from(JSON.stringify(asked)) };
  const timeoutMs = limits.methodMs + EDGE_MS;
  const reply = await remote.ask(namespace, device, { case: "callMethod", value }, timeoutMs);
  if (reply === undefined) return closings.notThere("the device is not connected");
  if (reply.unanswered) return closings.noAnswer(reply.refused);
  if (reply.refused !== "") return closings.notThere(reply.refused);
  if (reply.method === undefined) return closings.noRemoteAccess;
  return refusalOf(reply.method.status, reply.method.payload);
}

function refusalOf(status: number, payload: Uint8Array): Closing | undefined {
  switch (status) {
    case 200:
      return undefined;
    case 404:
      return closings.noRemoteAccess;
    case 409:
      return closings.notThere("the device is busy with a tunnel before");
    default: {
      const detail = detailOf(payload);
      return closings.deviceFailed(`the device failed: ${detail || `status ${status}`}`);
    }
  }
}

function detailOf(payload: Uint8Array): string {
  try {
    const { detail } = JSON.parse(Buffer.from(payload).toString()) as { detail?: unknown };
    return typeof detail === "string" ? detail : "";
  } catch {
    return "";
  }
}
