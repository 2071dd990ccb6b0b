import {
  DECISIONS_TOLD,
  isSignalsStream,
  MQTT_SESSIONS,
  REGISTRY,
  type StreamName,
  SUBSCRIPTION_CURSORS,
  shardOfStream,
  WRONG_CODES,
} from "@fieldlog/contracts";
import type { JetStreamManager } from "@nats-io/jetstream";

const bucket = (name: string) => `KV_${name}`;

/** What tells how far somebody is in the log: read before it, so that nobody is beyond its end. */
const CURSORS = [SUBSCRIPTION_CURSORS, MQTT_SESSIONS, DECISIONS_TOLD].map(bucket);
/** What is over in minutes, and nothing is lost with. */
const PASSING = [WRONG_CODES].map(bucket);

/** The streams of an installation, in the order in which they are copied; and those that are not ours. */
export interface Streams {
  readonly cursors: readonly string[];
  /** Those of signals first: what a signal names was decided before it, and is thus in REGISTRY. */
  readonly logs: readonly StreamName[];
  /** Keys, and what is being uploaded. */
  readonly records: readonly string[];
  readonly objects: readonly string[];
  readonly others: readonly string[];
}

export async function streamsOf(jsm: JetStreamManager): Promise<Streams> {
  const names: string[] = [];
  for await (const { config } of jsm.streams.list()) names.push(config.name);
  return sorted(names);
}

/** A bucket that somebody adds is copied unless it is named here as passing. */
export function sorted(names: readonly string[]): Streams {
  const own = names.filter((name) => !PASSING.includes(name)).sort();
  const cursors = own.filter((name) => CURSORS.includes(name));
  const signals = own.filter(isSignalsStream).sort((a, b) => shardOfStream(a) - shardOfStream(b));
  const logs: StreamName[] = own.includes(REGISTRY) ? [...signals, REGISTRY] : signals;
  const records = own.filter((name) => name.startsWith("KV_") && !CURSORS.includes(name));
  const objects = own.filter((name) => name.startsWith("OBJ_READINGS_"));
  const known = new Set<string>([...cursors, ...logs, ...records, ...objects]);
  return { cursors, logs, records, objects, others: own.filter((name) => !known.has(name)) };
}
