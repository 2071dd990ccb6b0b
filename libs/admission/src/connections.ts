import { limits } from "@fieldlog/contracts";
import { LRUCache } from "lru-cache";
import { Budget } from "./budget.js";
import { atMost, LoadCache, type LoadCacheOptions } from "./load-cache.js";

/** A device that shows with what it was told to connect. */
export interface KnownConnection {
  /** Id. */
  readonly namespace: string;
  readonly device: string;
  /** ms since 1970 UTC. */
  readonly expiresAt: number;
  /** Of the device, whichever of its tokens it shows. */
  readonly budget: Budget;
}

/** Connection tokens of one device that are kept: that which it uses, and those that it is about to leave. */
const PER_DEVICE = 4;

interface OfDevice {
  readonly hashes: readonly string[];
  readonly budget: Budget;
}

/**
 * The connection tokens that devices have shown, by their SHA-256, until they expire or a decision on their device or its
 * registration drops them. Whether its namespace is disabled is the namespace's to say.
 */
export class Connections {
  private readonly cache: LoadCache<KnownConnection>;
  /** Tokens that are being looked up, by hash. */
  private readonly asked = new Map<string, string>();
  /** Hashes by device, so that a decision finds them. */
  private readonly ofDevice: LRUCache<string, OfDevice>;

  constructor(
    private readonly options: Pick<LoadCacheOptions<KnownConnection>, "ttlMs" | "graceMs"> & {
      /** Asks whoever knows; undefined: the token is not good. */
      readonly load: (token: string) => Promise<Omit<KnownConnection, "budget"> | undefined>;
      readonly hash: (token: string) => string;
      readonly key: (namespace: string, device: string) => string;
      /** ms since 1970 UTC. */
      readonly now: () => number;
    },
  ) {
    const { ttlMs = 0, graceMs = 0 } = options;
    this.cache = new LoadCache({
      max: limits.cachedDevices,
      ttlMs,
      graceMs,
      load: (hash) => this.load(hash),
    });
    this.ofDevice = new LRUCache<string, OfDevice>({
      ...atMost(limits.cachedDevices),
      disposeAfter: ({ hashes }, _, why) => {
        if (why === "evict") for (const hash of hashes) this.cache.invalidate(hash);
      },
    });
  }

  /** undefined: it is not good. Rejects as {@link LoadCache.get}. */
  async get(token: string): Promise<KnownConnection | undefined> {
    const hash = this.options.hash(token);
    this.asked.set(hash, token);
    try {
      const known = await this.cache.get(hash);
      return known !== undefined && known.expiresAt > this.options.now() ? known : undefined;
    } finally {
      this.asked.delete(hash);
    }
  }

  /** What was known of the device's tokens, and is being asked. */
  invalidate(namespace: string, device: string): void {
    const key = this.options.key(namespace, device);
    const hashes = this.ofDevice.get(key)?.hashes ?? [];
    for (const hash of [...hashes, ...this.asked.keys()]) this.cache.invalidate(hash);
    this.ofDevice.delete(key);
  }

  clear(): void {
    this.cache.clear();
    this.ofDevice.clear();
  }

  /** Of a namespace, whose key with no device begins all of its keys. */
  clearNamespace(namespace: string): void {
    this.cache.invalidateWhere((known) => known.namespace === namespace);
  }

  get size(): number {
    return this.cache.size;
  }

  get lookups(): LoadCache<KnownConnection>["lookups"] {
    return this.cache.lookups;
  }

  private async load(hash: string): Promise<KnownConnection | undefined> {
    const known = await this.options.load(this.asked.get(hash) ?? "");
    if (known === undefined) return undefined;
    const key = this.options.key(known.namespace, known.device);
    const device = this.ofDevice.get(key);
    const budget = device?.budget ?? new Budget(limits.requestsPerSecond, limits.requestBurst);
    const before = (device?.hashes ?? []).filter((other) => other !== hash);
    const dropped = before.splice(0, before.length - (PER_DEVICE - 1));
    for (const other of dropped) this.cache.invalidate(other);
    this.ofDevice.set(key, { hashes: [...before, hash], budget });
    return { ...known, budget };
  }
}
