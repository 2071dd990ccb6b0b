import { type auth, type devices, limits } from "@fieldlog/contracts";
import type { RpcClient } from "@fieldlog/rpc";
import { Budget } from "./budget.js";

/** A device that signs its requests, as an edge knows it. */
export interface KnownSigner {
  readonly namespace: string;
  readonly device: string;
  /** The bytes that it signs with. */
  readonly secret: Uint8Array;
  /** Good as well until then: ms since 1970 UTC. */
  readonly previous?: { readonly secret: Uint8Array; readonly until: number };
  readonly budget: Budget;
}

type AuthClient = Pick<RpcClient<typeof auth.AuthService>, "getDeviceCredential">;
type DevicesClient = Pick<RpcClient<typeof devices.DevicesService>, "getDevice">;

const PREFIX = "whsec_";

/** Raises RpcError not_found: there is no such device, or it has no secret to sign with. */
export async function loadSigner(
  authClient: AuthClient,
  devicesClient: DevicesClient,
  namespace: string,
  device: string,
): Promise<KnownSigner> {
  const [{ secret, previousSecret, previousUntil }] = await Promise.all([
    authClient.getDeviceCredential({ namespace, device, kind: "signing-secret" }),
    devicesClient.getDevice({ namespace, device }),
  ]);
  const previous = { secret: bytesOf(previousSecret), until: Number(previousUntil) };
  return {
    ...{ namespace, device, secret: bytesOf(secret) },
    ...(previousSecret === "" ? {} : { previous }),
    budget: new Budget(limits.requestsPerSecond, limits.requestBurst),
  };
}

/** Of a secret as Standard Webhooks writes it: `whsec_` and base64. */
function bytesOf(secret: string): Uint8Array {
  return Buffer.from(secret.slice(PREFIX.length), "base64");
}
