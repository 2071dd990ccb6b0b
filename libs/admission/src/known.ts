import { hash } from "node:crypto";
import {
  type auth,
  type devices,
  limits,
  type offers,
  type provisioning,
  type registry,
  type subscriptions,
} from "@fieldlog/contracts";
import { type RpcClient, RpcError } from "@fieldlog/rpc";
import { Budget } from "./budget.js";
import { Connections, type KnownConnection } from "./connections.js";
import { LoadCache } from "./load-cache.js";
import { type KnownSigner, loadSigner } from "./signer.js";

/** A device as an edge knows it: what it needs to verify a message without asking anybody. */
export interface KnownDevice {
  readonly namespace: string;
  readonly id: string;
  readonly secret: string;
  /** By id, removed ones too. */
  readonly sensors: ReadonlyMap<string, KnownSensor>;
  /** Where its metadata say that it is. */
  readonly location: { readonly latitude: number; readonly longitude: number } | undefined;
  /** Somebody else has changed its metadata since it was told them. */
  readonly metadataChanged: boolean;
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
  /** Everything of its devices is refused. Absent: it is not. */
  readonly disabled?: boolean;
  /** To CSN's messages that nobody signs it is as if it did not exist. Absent: it is open to them. */
  readonly closedToCsn?: boolean;
}

export interface KnownKey {
  readonly id: string;
  readonly permission: string;
  /** Namespace it is good for; empty: all. */
  readonly namespace: string;
  readonly expiresAt: number | undefined;
  readonly budget: Budget;
}

/** Proves who a device is that logs in by MQTT. */
export interface KnownPassword {
  readonly namespace: string;
  readonly device: string;
  /** SHA-256 of the password. */
  readonly hash: Uint8Array;
  readonly budget: Budget;
}

/** A device that exists, whatever its dialect. */
export interface KnownRegistered {
  readonly namespace: string;
  readonly id: string;
  readonly dialect: string;
  /** ms since 1970 UTC. */
  readonly registeredAt: number;
}

/** A device that logged in with an API key. */
export interface KnownDeviceSession {
  readonly namespace: string;
  readonly device: string;
  /** As it is now: what the device may do is what the key may. */
  readonly key: KnownKey;
}

/** A person who is logged in. */
export interface KnownSession {
  readonly userId: string;
  readonly userName: string;
  /** ms since 1970 UTC. */
  readonly expiresAt: number;
}

/** A durable subscription. */
export interface KnownSubscription {
  readonly namespace: string;
  readonly id: string;
  /** `key:<id>` or `device:<id>`. */
  readonly owner: string;
  readonly delivery: string;
  readonly filters: readonly registry.EventFilter[];
  /** Position after which it began. */
  readonly after: number;
}

/** A key with which devices of a namespace sign what they sample. */
export interface KnownHmacKey {
  readonly key: string;
  /** ms since 1970 UTC. */
  readonly expiresAt: number | undefined;
}

/** What devices of a namespace are asked for now, in order of number. */
export type OpenRequests = readonly offers.DataRequest[];

/** Milliseconds that an API key or a namespace is believed, should its revocation never be heard. */
const KEY_TTL_MS = 60_000;
/** The same of data requests, which expire by themselves. */
const REQUESTS_TTL_MS = 60_000;
/**
 * Milliseconds that what is known of a device is believed, should what changed it never be heard or have been told from an
 * old state. It is long, since each device in use costs a call as often, and devices are served on while nobody answers.
 */
const DEVICE_TTL = { ttlMs: 600_000, graceMs: 30_000 };

/** What an edge keeps in memory of devices, API keys and namespaces; filled by gRPC, emptied by {@link RegistryWatch}. */
export interface Known {
  /** By {@link deviceKey}. */
  readonly devices: LoadCache<KnownDevice>;
  /** By name or id. */
  readonly namespaces: LoadCache<KnownNamespace>;
  /** By {@link keyHash}. */
  readonly keys: LoadCache<KnownKey>;
  /** By namespace id: those that are good, the oldest first; one is made where there was none. */
  readonly hmacKeys: LoadCache<readonly KnownHmacKey[]>;
  /** By {@link deviceKey}; with an empty namespace, the devices of that id in whichever have one. */
  readonly passwords: LoadCache<readonly KnownPassword[]>;
  /** Devices that sign their requests, by {@link deviceKey}. */
  readonly signers: LoadCache<KnownSigner>;
  /** By {@link deviceKey}. */
  readonly registered: LoadCache<KnownRegistered>;
  /** By {@link keyHash} of the token. */
  readonly deviceSessions: LoadCache<KnownDeviceSession>;
  /** By {@link keyHash} of the token. */
  readonly sessions: LoadCache<KnownSession>;
  /** A user's role in a namespace, by {@link deviceKey} of namespace and user id: owner, editor, reader. */
  readonly roles: LoadCache<string>;
  /** By {@link deviceKey} of namespace and subscription id. */
  readonly subscriptions: LoadCache<KnownSubscription>;
  /** By namespace id. */
  readonly requests: LoadCache<OpenRequests>;
  /** With what provisioned devices connect. */
  readonly connections: Connections;
}

export type AuthClient = Pick<
  RpcClient<typeof auth.AuthService>,
  | "getDeviceCredential"
  | "checkApiKey"
  | "listHmacKeys"
  | "checkDeviceSession"
  | "getNamespace"
  | "findMqttPassword"
  | "checkSession"
  | "getRole"
>;
export type SubscriptionsClient = Pick<
  RpcClient<typeof subscriptions.SubscriptionsService>,
  "getSubscription"
>;
export type OffersClient = Pick<RpcClient<typeof offers.OffersService>, "listOpenRequests">;
export type ProvisioningClient = Pick<
  RpcClient<typeof provisioning.ProvisioningService>,
  "checkConnectionToken"
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

export interface KnownFrom {
  readonly auth: AuthClient;
  readonly devices: DevicesClient;
  readonly subscriptions: SubscriptionsClient;
  readonly offers: OffersClient;
  readonly provisioning: ProvisioningClient;
}

export function createKnown(from: KnownFrom, now: () => number): Known {
  const { auth: authClient, devices: devicesClient } = from;
  return {
    devices: new LoadCache({
      ...{ max: limits.cachedDevices, ...DEVICE_TTL },
      load: (key) => absentIs("not_found", () => loadDevice(authClient, devicesClient, key, now())),
    }),
    namespaces: new LoadCache<KnownNamespace>({
      max: limits.cachedKeys,
      ttlMs: KEY_TTL_MS,
      load: (idOrName) =>
        absentIs("not_found", async () => {
          const { namespace } = await authClient.getNamespace({ idOrName });
          if (namespace === undefined) return undefined;
          const { id, name, disabled, settings: { closedToCsn = false } = {} } = namespace;
          return { id, name, ...(disabled && { disabled }), ...(closedToCsn && { closedToCsn }) };
        }),
    }),
    keys: new LoadCache({
      max: limits.cachedKeys,
      ttlMs: KEY_TTL_MS,
      load: (hex) =>
        absentIs("unauthenticated", async () => {
          const { key } = await authClient.checkApiKey({ keyHash: Buffer.from(hex, "hex") });
          return key && knownKey(key);
        }),
    }),
    hmacKeys: new LoadCache<readonly KnownHmacKey[]>({
      max: limits.cachedKeys,
      ttlMs: KEY_TTL_MS,
      load: (namespace) =>
        absentIs("not_found", async () => {
          const { keys } = await authClient.listHmacKeys({ namespace, ensure: true });
          return keys.map(({ key, expiresAt }) => ({
            ...{ key, expiresAt: expiresAt === undefined ? undefined : Number(expiresAt) },
          }));
        }),
    }),
    passwords: new LoadCache<readonly KnownPassword[]>({
      ...{ max: limits.cachedDevices, ...DEVICE_TTL },
      load: (key) => absentIs("not_found", () => loadPasswords(authClient, key)),
    }),
    signers: new LoadCache({
      ...{ max: limits.cachedDevices, ...DEVICE_TTL },
      load: (key) => absentIs("not_found", () => loadSigner(authClient, devicesClient, ...partsOf(key))),
    }),
    registered: new LoadCache({
      ...{ max: limits.cachedDevices, ...DEVICE_TTL },
      load: (key) =>
        absentIs("not_found", async () => {
          const [namespace, id] = partsOf(key);
          const { device } = await devicesClient.getDevice({ namespace, device: id });
          if (device === undefined) return undefined;
          return { namespace, id, dialect: device.dialect, registeredAt: Number(device.registeredAt) };
        }),
    }),
    deviceSessions: new LoadCache({
      max: limits.cachedKeys,
      ttlMs: KEY_TTL_MS,
      load: (hex) =>
        absentIs("unauthenticated", async () => {
          const session = await authClient.checkDeviceSession({ tokenHash: Buffer.from(hex, "hex") });
          const { key, namespace, device } = session;
          return key && { key: knownKey(key), namespace, device };
        }),
    }),
    sessions: new LoadCache({
      max: limits.cachedKeys,
      ttlMs: KEY_TTL_MS,
      load: (hex) =>
        absentIs("unauthenticated", async () => {
          const session = await authClient.checkSession({ tokenHash: Buffer.from(hex, "hex") });
          const { userId, userName, expiresAt } = session;
          return { userId, userName, expiresAt: Number(expiresAt) };
        }),
    }),
    roles: new LoadCache({
      max: limits.cachedKeys,
      ttlMs: KEY_TTL_MS,
      load: (key) =>
        absentIs("not_found", async () => {
          const [namespace, userId] = partsOf(key);
          const { role } = await authClient.getRole({ namespace, userId });
          return role || undefined;
        }),
    }),
    subscriptions: new LoadCache({
      max: limits.cachedKeys,
      ttlMs: KEY_TTL_MS,
      load: (key) => absentIs("not_found", () => loadSubscription(from.subscriptions, key)),
    }),
    requests: new LoadCache<OpenRequests>({
      max: limits.namespaces,
      ttlMs: REQUESTS_TTL_MS,
      load: async (namespace) => (await from.offers.listOpenRequests({ namespace })).requests,
    }),
    connections: new Connections({
      ...{ hash: keyHash, key: deviceKey, now, ...DEVICE_TTL },
      load: (token) => absentIs("unauthenticated", () => loadConnection(from.provisioning, token)),
    }),
  };
}

function knownKey({ id, permission, namespace, expiresAt }: auth.ApiKey): KnownKey {
  const expires = expiresAt === undefined ? undefined : Number(expiresAt);
  return { id, permission, namespace, expiresAt: expires, budget: newBudget() };
}

async function loadConnection(
  client: ProvisioningClient,
  token: string,
): Promise<Omit<KnownConnection, "budget">> {
  const { namespace, device, expiresAt } = await client.checkConnectionToken({ token });
  return { namespace, device, expiresAt: Number(expiresAt) };
}

async function loadPasswords(authClient: AuthClient, key: string): Promise<readonly KnownPassword[]> {
  const [namespace, device] = partsOf(key);
  const { others, ...first } = await authClient.findMqttPassword({ namespace, device });
  return [first, ...others].map((found) => ({
    ...{ namespace: found.namespace, device, hash: found.secretHash, budget: newBudget() },
  }));
}

async function loadSubscription(
  client: SubscriptionsClient,
  key: string,
): Promise<KnownSubscription | undefined> {
  const [namespace, id] = partsOf(key);
  const { subscription } = await client.getSubscription({ namespace, id });
  if (subscription === undefined) return undefined;
  const { owner, delivery, filters, after } = subscription;
  return { namespace, id, owner, delivery, filters, after: Number(after ?? 0) };
}

/** The namespace and the id that {@link deviceKey} put together. */
function partsOf(key: string): [namespace: string, id: string] {
  const slash = key.indexOf("/");
  return [key.slice(0, slash), key.slice(slash + 1)];
}

function newBudget(): Budget {
  return new Budget(limits.requestsPerSecond, limits.requestBurst);
}

async function loadDevice(
  authClient: AuthClient,
  devicesClient: DevicesClient,
  key: string,
  now: number,
): Promise<KnownDevice> {
  const [namespace, id] = partsOf(key);
  const [{ secret }, { device }] = await Promise.all([
    authClient.getDeviceCredential({ namespace, device: id }),
    devicesClient.getDevice({ namespace, device: id }),
  ]);
  const { latitude, longitude } = device?.metadata ?? {};
  return {
    namespace,
    id,
    secret,
    location: latitude === undefined || longitude === undefined ? undefined : { latitude, longitude },
    metadataChanged: device?.metadataChanged ?? false,
    sensors: new Map(device?.sensors.map(({ id, sensorType, removed }) => [id, { sensorType, removed }])),
    loadedAt: now,
    budget: newBudget(),
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
