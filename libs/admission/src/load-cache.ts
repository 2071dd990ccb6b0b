import { LRUCache } from "lru-cache";

/** Too many things are being looked up at once; ask again. */
export class LoadsExceeded extends Error {
  override readonly name = "LoadsExceeded";
}

export interface LoadCacheOptions<V> {
  /** Asks whoever knows. Undefined: there is no such thing. */
  readonly load: (key: string) => Promise<V | undefined>;
  /** Entries kept. */
  readonly max: number;
  /** Milliseconds that an entry is believed; 0: until it is invalidated. Default 0. */
  readonly ttlMs?: number;
  /** Milliseconds that it is believed after that each time that nobody can tell it anew. Default 0: it is not. */
  readonly graceMs?: number;
  /** Absent things remembered, and for how many milliseconds. Defaults 10,000 and 2,000. */
  readonly maxAbsent?: number;
  readonly absentMs?: number;
  /** Look-ups under way at once; beyond it LoadsExceeded. Default 512. */
  readonly maxLoads?: number;
}

/**
 * So many entries, and memory for those that are there. (`max` would set aside the memory of all of them: for 200,000
 * entries 40 ms and 3 MB of each cache, at each start.)
 */
export function atMost(entries: number): { maxSize: number; sizeCalculation: () => number } {
  return { maxSize: entries, sizeCalculation: () => 1 };
}

/** Told only what is not too old to be believed. */
const FRESH = { allowStale: false };
/** Times that a look-up is repeated because what it asked about changed meanwhile. */
const REPEATS = 4;

interface Load<V> {
  promise: Promise<V | undefined>;
  /** What is being loaded has changed since it was asked for. */
  stale: boolean;
}

/**
 * A bounded cache that fills itself. Those who ask for the same thing at once share one look-up. What is
 * invalidated while it is being looked up is looked up again, so an answer is never older than the last
 * invalidation before it.
 */
export class LoadCache<V extends NonNullable<unknown>> {
  private readonly entries: LRUCache<string, V>;
  private readonly absent: LRUCache<string, true>;
  private readonly loads = new Map<string, Load<V>>();
  /** How often something was here, and how often somebody had to be asked, or was being asked already. */
  readonly lookups = { hits: 0, misses: 0 };

  constructor(private readonly options: LoadCacheOptions<V>) {
    // What is too old stays, for who invalidates it and for the case that nobody can tell it anew.
    const old = { allowStale: true, noDeleteOnStaleGet: true };
    this.entries = new LRUCache({ ...atMost(options.max), ttl: options.ttlMs ?? 0, ...old });
    this.absent = new LRUCache({ ...atMost(options.maxAbsent ?? 10_000), ttl: options.absentMs ?? 2_000 });
  }

  /** The entry if it is here; for the hot path, which then waits for nothing. */
  peek(key: string): V | undefined {
    const known = this.entries.get(key, FRESH);
    // A miss is counted by `get`, which follows.
    if (known !== undefined) this.lookups.hits++;
    return known;
  }

  /** Undefined: there is no such thing. Rejects with what `load` rejected with, or LoadsExceeded. */
  async get(key: string): Promise<V | undefined> {
    const known = this.entries.get(key, FRESH);
    if (known !== undefined || this.absent.has(key)) {
      this.lookups.hits++;
      return known;
    }
    this.lookups.misses++;
    const load = this.loads.get(key);
    if (load !== undefined) return load.promise;
    if (this.loads.size >= (this.options.maxLoads ?? 512)) {
      return this.insteadOf(new LoadsExceeded("too many look-ups"), key);
    }
    const begun: Load<V> = { promise: Promise.resolve(undefined), stale: false };
    this.loads.set(key, begun);
    begun.promise = this.load(key, begun)
      .catch((error: unknown) => this.insteadOf(error, key))
      .finally(() => this.loads.delete(key));
    return begun.promise;
  }

  invalidate(key: string): void {
    this.entries.delete(key);
    this.absent.delete(key);
    const load = this.loads.get(key);
    if (load !== undefined) load.stale = true;
  }

  /** Invalidates the entries for which it holds. */
  invalidateWhere(holds: (value: V, key: string) => boolean): void {
    for (const [key, value] of this.entries.entries()) if (holds(value, key)) this.entries.delete(key);
    this.absent.clear();
    for (const load of this.loads.values()) load.stale = true;
  }

  clear(): void {
    this.invalidateWhere(() => true);
  }

  get size(): number {
    return this.entries.size;
  }

  private async load(key: string, load: Load<V>): Promise<V | undefined> {
    let value: V | undefined;
    for (let i = 0; i <= REPEATS; i++) {
      load.stale = false;
      value = await this.options.load(key);
      if (load.stale) continue;
      if (value !== undefined) this.entries.set(key, value);
      else {
        this.entries.delete(key);
        this.absent.set(key, true);
      }
      return value;
    }
    // It keeps changing: true a moment ago, and not kept.
    return value;
  }

  /** What was known before the look-up failed, if it may be believed still. */
  private insteadOf(error: unknown, key: string): V {
    const { graceMs = 0 } = this.options;
    const known = graceMs > 0 ? this.entries.get(key) : undefined;
    if (known === undefined) throw error;
    this.entries.set(key, known, { ttl: graceMs });
    return known;
  }
}
