import type { registry } from "@fieldlog/contracts";
import type { Facts } from "../facts.js";

/** Where a filter could be kept, to be found by one of its parts. */
export interface Place<N> {
  /** About how many filters an event may have to look through there. */
  readonly load: number;
  put(node: N): void;
  take(node: N): void;
}

/** Finds the filters for an event by one part of them. */
export interface Lookup<N> {
  /** None where the filter lacks the part. A place is good for this filter only, and for as long as it lies there. */
  places(filter: registry.EventFilter): Place<N>[];
  /** Tells every filter for which the part may hold; one may be told several times. */
  find(event: Facts, found: (node: N) => void): void;
}
