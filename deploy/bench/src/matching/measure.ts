import type { registry } from "@fieldlog/contracts";
import type { LoggedEvent } from "@fieldlog/events";
import { compileFilter, Facts, FilterIndex } from "@fieldlog/filters";
import { percentile } from "../frame/statistics.js";

/** Tells how many subscriptions an event is for, after it has visited each. */
export type Matcher = (event: LoggedEvent) => number;

/** Microseconds that one event took. */
export interface Times {
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
  /** Of all events together. */
  readonly matches: number;
}

export function byIndex(filters: readonly registry.EventFilter[]): Matcher {
  const index = new FilterIndex<number>();
  for (const [number, filter] of filters.entries()) index.add([filter], number);
  return (event) => {
    let count = 0;
    index.match(event, () => count++);
    return count;
  };
}

/** The peer: each subscription is asked, with its filter made ready beforehand as well. */
export function byLoop(filters: readonly registry.EventFilter[]): Matcher {
  const tests = filters.map(compileFilter);
  return (event) => {
    let count = 0;
    const facts = new Facts(event);
    for (const test of tests) if (test(facts)) count++;
    return count;
  };
}

/** Each event is decoded anew, within its time. */
export function timed(matcher: Matcher, events: readonly LoggedEvent[]): Times {
  const taken = new Float64Array(events.length);
  let matches = 0;
  for (const [number, event] of events.entries()) {
    const start = performance.now();
    matches += matcher(event);
    taken[number] = (performance.now() - start) * 1_000;
  }
  taken.sort();
  return { p50: percentile(taken, 0.5), p99: percentile(taken, 0.99), worst: percentile(taken, 1), matches };
}
