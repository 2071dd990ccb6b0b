import type { registry } from "@fieldlog/contracts";
import type { Facts } from "../facts.js";
import { remove } from "./list.js";
import type { Lookup, Place } from "./place.js";

/** Lists by key; a key without anything takes no memory. */
export class Buckets<K, N> {
  private readonly lists = new Map<K, N[]>();

  get size(): number {
    return this.lists.size;
  }

  find(key: K, found: (node: N) => void): void {
    const list = this.lists.get(key);
    if (list) for (const node of list) found(node);
  }

  /** @param keys each once */
  place(keys: readonly K[]): Place<N> {
    return {
      load: Math.max(...keys.map((key) => this.lists.get(key)?.length ?? 0)),
      put: (node) => {
        for (const key of keys) this.put(key, node);
      },
      take: (node) => {
        for (const key of keys) this.take(key, node);
      },
    };
  }

  private put(key: K, node: N): void {
    const list = this.lists.get(key);
    if (list) list.push(node);
    else this.lists.set(key, [node]);
  }

  private take(key: K, node: N): void {
    const list = this.lists.get(key);
    if (!list) return;
    remove(list, node);
    if (list.length === 0) this.lists.delete(key);
  }
}

/** By a part of which one of some texts is wanted, and an event has one. */
export function textLookup<N>(
  wanted: (filter: registry.EventFilter) => readonly string[],
  of: (event: Facts) => string | undefined,
): Lookup<N> {
  const buckets = new Buckets<string, N>();
  return {
    places: (filter) => {
      const texts = [...new Set(wanted(filter))];
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
    places: ({ sensorTypes }) => (sensorTypes.length > 0 ? [buckets.place([...new Set(sensorTypes)])] : []),
    find: (event, found) => {
      if (buckets.size === 0) return;
      for (const type of event.sensorTypes) buckets.find(type, found);
    },
  };
}
