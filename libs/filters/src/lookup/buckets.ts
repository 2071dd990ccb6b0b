import type { registry } from "@fieldlog/contracts";
import type { Matchable } from "../matchable.js";
import type { Lookup, Place } from "./place.js";

/** Sets by key; a key without anything takes no memory. */
export class Buckets<K, N> {
  private readonly sets = new Map<K, Set<N>>();

  get size(): number {
    return this.sets.size;
  }

  find(key: K, found: (node: N) => void): void {
    const set = this.sets.get(key);
    if (set) for (const node of set) found(node);
  }

  /** In all of the keys' buckets. */
  place(keys: readonly K[]): Place<N> {
    return {
      load: Math.max(...keys.map((key) => this.sets.get(key)?.size ?? 0)),
      put: (node) => {
        for (const key of keys) this.put(key, node);
      },
      take: (node) => {
        for (const key of keys) this.take(key, node);
      },
    };
  }

  private put(key: K, node: N): void {
    const set = this.sets.get(key);
    if (set) set.add(node);
    else this.sets.set(key, new Set([node]));
  }

  private take(key: K, node: N): void {
    const set = this.sets.get(key);
    if (set?.delete(node) && set.size === 0) this.sets.delete(key);
  }
}

/** By a part of which one of some texts is wanted, and an event has one. */
export function textLookup<N>(
  wanted: (filter: registry.EventFilter) => readonly string[],
  of: (event: Matchable) => string | undefined,
): Lookup<N> {
  const buckets = new Buckets<string, N>();
  return {
    places: (filter) => {
      const texts = wanted(filter);
      return texts.length > 0 ? [buckets.place(texts)] : [];
    },
    find: (event, found) => {
      const text = of(event);
      if (text !== undefined) buckets.find(text, found);
    },
  };
}

/** By sensor types, of which an event may have several. */
export function sensorTypeLookup<N>(): Lookup<N> {
  const buckets = new Buckets<string, N>();
  return {
    places: ({ sensorTypes }) => (sensorTypes.length > 0 ? [buckets.place(sensorTypes)] : []),
    find: (event, found) => {
      if (buckets.size === 0) return;
      for (const type of event.sensorTypes) buckets.find(type, found);
    },
  };
}
