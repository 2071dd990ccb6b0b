import { toBinary } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { Facts } from "./facts.js";
import { AreaLookup } from "./lookup/areas.js";
import { sensorTypeLookup, textLookup } from "./lookup/buckets.js";
import { FieldLookup } from "./lookup/fields.js";
import { remove } from "./lookup/list.js";
import { NameLookup } from "./lookup/names.js";
import type { Lookup, Place } from "./lookup/place.js";
import type { Matchable } from "./matchable.js";
import { compileFilter, type Test } from "./matches.js";

/** Whoever is subscribed, with the filters of which any may hold. */
interface Subscriber<T> {
  readonly value: T;
  readonly nodes: readonly Node<T>[];
  isGone: boolean;
  /** The match that has found it last. */
  found: number;
}

/** A filter, once for all who have the same. */
interface Node<T> {
  readonly key: string;
  readonly holds: Test;
  readonly place: Place<Node<T>>;
  readonly subscribers: Subscriber<T>[];
  /** The match that has looked at it last. */
  seen: number;
}

/**
 * Finds whose filters an event matches without asking each: a filter lies where the fewest others lie of those
 * places at which an event that matches would look, and only what lies there is compared as a whole.
 */
export class FilterIndex<T> {
  private readonly subscribers = new Map<T, Subscriber<T>>();
  private readonly nodes = new Map<string, Node<T>>();
  private readonly others: Node<T>[] = [];
  /** Among places that are equally good, the first one is taken. */
  private readonly lookups: readonly Lookup<Node<T>>[] = [
    textLookup(
      ({ devices }) => devices,
      ({ device }) => device,
    ),
    new NameLookup(),
    textLookup(
      ({ places }) => places,
      ({ place }) => place,
    ),
    new FieldLookup(),
    textLookup(
      ({ actions }) => actions,
      ({ action }) => action,
    ),
    sensorTypeLookup(),
    new AreaLookup(),
  ];
  private matchNumber = 0;

  /** Of values. */
  get size(): number {
    return this.subscribers.size;
  }

  /** The events that any of the filters matches are for `value`; what it was added with before is forgotten. */
  add(filters: readonly registry.EventFilter[], value: T): void {
    this.delete(value);
    const nodes = [...new Set(filters.map((filter) => this.nodeOf(filter)))];
    const subscriber = { value, nodes, isGone: false, found: 0 };
    for (const node of nodes) node.subscribers.push(subscriber);
    this.subscribers.set(value, subscriber);
  }

  delete(value: T): void {
    const subscriber = this.subscribers.get(value);
    if (!subscriber) return;
    subscriber.isGone = true;
    this.subscribers.delete(value);
    for (const node of subscriber.nodes) {
      remove(node.subscribers, subscriber);
      if (node.subscribers.length > 0) continue;
      this.nodes.delete(node.key);
      node.place.take(node);
    }
  }

  /**
   * Visits each value once, in no certain order; a visit may add and delete.
   *
   * @returns how many filters had to be compared with the event
   */
  match(event: Matchable, visit: (value: T) => void): number {
    const { matching, compared } = this.find(new Facts(event));
    for (const subscriber of matching) if (!subscriber.isGone) visit(subscriber.value);
    return compared;
  }

  /** Visits all values. */
  each(visit: (value: T) => void): void {
    for (const value of [...this.subscribers.keys()]) visit(value);
  }

  private find(event: Facts): { matching: readonly Subscriber<T>[]; compared: number } {
    const match = ++this.matchNumber;
    const matching: Subscriber<T>[] = [];
    let compared = 0;
    const look = (node: Node<T>) => {
      if (node.seen === match) return;
      node.seen = match;
      compared++;
      if (!node.holds(event)) return;
      for (const subscriber of node.subscribers) {
        if (subscriber.found === match) continue;
        subscriber.found = match;
        matching.push(subscriber);
      }
    };
    for (const lookup of this.lookups) lookup.find(event, look);
    for (const node of this.others) look(node);
    return { matching, compared };
  }

  private nodeOf(filter: registry.EventFilter): Node<T> {
    const key = Buffer.from(toBinary(registry.EventFilterSchema, filter)).toString("latin1");
    const known = this.nodes.get(key);
    if (known) return known;
    const place = this.bestPlace(filter);
    const node = { key, holds: compileFilter(filter), place, subscribers: [], seen: 0 };
    this.nodes.set(key, node);
    place.put(node);
    return node;
  }

  private bestPlace(filter: registry.EventFilter): Place<Node<T>> {
    const places = this.lookups.flatMap((lookup) => lookup.places(filter));
    const others = {
      load: Number.POSITIVE_INFINITY,
      put: (node: Node<T>) => void this.others.push(node),
      take: (node: Node<T>) => remove(this.others, node),
    };
    return places.reduce((best, place) => (place.load < best.load ? place : best), others);
  }
}
