import { hash } from "node:crypto";
import { type auth, type devices, limits } from "@fieldlog/contracts";
import { type RpcClient, RpcError } from "@fieldlog/rpc";
import { Budget } from "./budget.js";
import { LoadCache } from "./load-cache.js";

/** A device as an edge knows it: what it needs to verify a message without asking anybody. */
export interface KnownDevice {
  readonly namespace: string;
  readonly id: string;
  readonly secret: string;
  /** By id, removed ones too. */
  readonly sensors: ReadonlyMap<string, KnownSensor>;
  /** ms since 1970 UTC. */
  readonly loadedAt: number;
  readonly budget: Budget;
}

export interface KnownSensor {
  readonly sensorType: string;
  readonly removed: boolean;
}

export interface KnownNamespace {
  readonly id: string;
  readonly name: string;
}

export interface KnownKey {
  readonly id: string;
  readonly permission: string;
  /** Namespace it is good for; empty: all. */
  readonly namespace: string;
  readonly expiresAt: number | undefined;
  readonly budget: Budget;
}

/** Milliseconds that an API key or a namespace is believed, should its revocation never be heard. */
const KEY_TTL_MS = 60_000;

/** What an edge keeps in memory of devices, API keys and namespaces; filled by gRPC, emptied by {@link RegistryWatch}. */
export interface Known {
  /** By {@link deviceKey}. */
  readonly devices: LoadCache<KnownDevice>;
  /** By name or id. */
  readonly namespaces: LoadCache<KnownNamespace>;
  /** By {@link keyHash}. */
  readonly keys: LoadCache<KnownKey>;
}

export type AuthClient = Pick<
  RpcClient<typeof auth.AuthService>,
  "getDeviceCredential" | "checkApiKey" | "getNamespace"
>;
export type DevicesClient = Pick<RpcClient<typeof devices.DevicesService>, "getDevice">;

/** A device's name in caches: unique over all namespaces. Neither part can hold a slash. */
export function deviceKey(namespace: string, device: string): string {
  return `${namespace}/${device}`;
}

/** An API key's name in caches, so that the key itself is not kept. */
export function keyHash(key: string): string {
  return hash("sha256", key);
}

export function createKnown(authClient: AuthClient, devicesClient: DevicesClient, now: () => number): Known {
  return {
    devices: new LoadCache({
      max: limits.cachedDevices,
      load: (key) => absentIs("not_found", () => loadDevice(authClient, devicesClient, key, now())),
    }),
    namespaces: new LoadCache({
      max: limits.cachedKeys,
      ttlMs: KEY_TTL_MS,
      load: (idOrName) =>
        absentIs("not_found", async () => {
          const { namespace } = await authClient.getNamespace({ idOrName });
          return namespace && { id: namespace.id, name: namespace.name };
        }),
    }),
    keys: new LoadCache({
      max: limits.cachedKeys,
      ttlMs: KEY_TTL_MS,
      load: (hex) =>
        absentIs("unauthenticated", async () => {
          const { key } = await authClient.checkApiKey({ keyHash: Buffer.from(hex, "hex") });
          return (
            key && {
              id: key.id,
              permission: key.permission,
              namespace: key.namespace,
              expiresAt: key.expiresAt === undefined ? undefined : Number(key.expiresAt),
              budget: new Budget(limits.requestsPerSecond, limits.requestBurst),
            }
          );
        }),
    }),
  };
}

async function loadDevice(
  authClient: AuthClient,
  devicesClient: DevicesClient,
  key: string,
  now: number,
): Promise<KnownDevice> {
  const slash = key.indexOf("/");
  const namespace = key.slice(0, slash);
  const id = key.slice(slash + 1);
  const [{ secret }, { device }] = await Promise.all([
    authClient.getDeviceCredential({ namespace, device: id }),
    devicesClient.getDevice({ namespace, device: id }),
  ]);
  return {
    namespace,
    id,
    secret,
    sensors: new Map(device?.sensors.map(({ id, sensorType, removed }) => [id, { sensorType, removed }])),
    loadedAt: now,
    budget: new Budget(limits.requestsPerSecond, limits.requestBurst),
  };
}

/** Seconds after which to ask a service again that could not answer. */
export function retryAfterS(error: RpcError): number {
  return Number(error.details["retryAfterS"]) || 1;
}

async function absentIs<T>(code: RpcError["code"], load: () => Promise<T>): Promise<T | undefined> {
  try {
    return await load();
  } catch (error) {
    if (error instanceof RpcError && error.code === code) return undefined;
    throw error;
  }
}
