import { deviceKey } from "@fieldlog/admission";
import type { remote } from "@fieldlog/contracts";
import { type RemoteDevices, RemoteUnavailable } from "@fieldlog/remote";
import type { NativeParts } from "./parts.js";
import { Problem } from "./problem.js";

export type RemoteAsked = Parameters<RemoteDevices["ask"]>[2];

/** Raises Problem 404: there is no such device. */
export async function checkRegistered(
  { known }: Pick<NativeParts, "known">,
  namespace: string,
  device: string,
): Promise<void> {
  const registered = await known.registered.get(deviceKey(namespace, device));
  if (registered === undefined) throw new Problem(404, "There is no such device.");
}

/**
 * Asks a device that holds a connection. Raises Problem 404: there is no such device; 409: it is not connected, or
 * cannot do that; 503.
 */
export async function askDevice(
  parts: Pick<NativeParts, "known" | "remote">,
  namespace: string,
  device: string,
  asked: RemoteAsked,
): Promise<remote.RemoteReply> {
  await checkRegistered(parts, namespace, device);
  const reply = await answered(parts.remote.ask(namespace, device, asked));
  if (reply === undefined) throw new Problem(409, "The device is not connected.");
  if (reply.refused !== "") throw new Problem(409, `The device's connection refused: ${reply.refused}.`);
  return reply;
}

/** Raises Problem 503. */
export async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof RemoteUnavailable)) throw error;
    throw new Problem(503, "The device's connection cannot be reached now.", { retryAfterS: 1 });
  }
}
