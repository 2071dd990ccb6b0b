import { type Credential, type Known, keyHash } from "@fieldlog/admission";
import type { devices } from "@fieldlog/contracts";
import { type RpcClient, RpcError } from "@fieldlog/rpc";
import { type Hello, HelloRefused } from "./hello.js";

export interface SignInParts {
  readonly known: Pick<Known, "keys" | "namespaces">;
  readonly devices: Pick<RpcClient<typeof devices.DevicesService>, "ensureDevice">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

export interface SignedIn extends Credential {
  /** Id. */
  readonly namespace: string;
}

/** What a service says to what the device sent; everything else is a failure of ours. */
const REFUSALS: ReadonlySet<string> = new Set([
  "invalid_argument",
  "failed_precondition",
  "resource_exhausted",
]);

/**
 * Finds out whether a device may come, and registers it. Raises HelloRefused; RpcError and LoadsExceeded: not now.
 */
export async function signIn({ known, devices, now }: SignInParts, hello: Hello): Promise<SignedIn> {
  const hash = keyHash(hello.apiKey);
  const key = await known.keys.get(hash);
  if (key === undefined || (key.expiresAt !== undefined && key.expiresAt <= now())) {
    throw new HelloRefused("Invalid API key");
  }
  if (key.permission === "read")
    throw new HelloRefused("This API key can only read; a device needs one that can write");
  const { namespace } = key;
  if (namespace === "")
    throw new HelloRefused("This API key is good for all namespaces; a device needs one of its own");
  await checkEnabled(known, namespace);
  try {
    await devices.ensureDevice({
      namespace,
      device: hello.deviceId,
      dialect: "edge-impulse",
      ...described(hello),
    });
  } catch (error) {
    if (error instanceof RpcError && REFUSALS.has(error.code)) throw new HelloRefused(error.message);
    throw error;
  }
  return { key, hash, namespace };
}

/** What the platform keeps of what a device says. What changes from one connection to the next is not in it. */
function described({ version, deviceId, deviceType, connection, sensors, supportsSnapshotStreaming }: Hello) {
  const text = (value: string) => ({ value: { case: "text" as const, value } });
  return {
    metadata: {
      name: deviceId,
      properties: {
        deviceType: text(deviceType),
        ...(connection === undefined ? {} : { connection: text(connection) }),
        protocolVersion: { value: { case: "integer" as const, value: BigInt(version) } },
        supportsSnapshotStreaming: { value: { case: "flag" as const, value: supportsSnapshotStreaming } },
      },
    },
    sensors: sensors.map(({ name, maxSampleLengthS, frequencies }) => ({
      sensorType: name,
      details: { maxSampleLengthS, frequencies: [...frequencies] },
    })),
  };
}

/** Raises RpcError: refused, a device would never come back; but a project may be enabled again. */
export async function checkEnabled({ namespaces }: Pick<Known, "namespaces">, id: string): Promise<void> {
  if ((await namespaces.get(id))?.disabled) throw new RpcError("unavailable", "the project is disabled");
}
