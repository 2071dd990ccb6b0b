import { REGISTRY, type StreamName } from "@fieldlog/contracts";
import {
  type Durability,
  type EventLog,
  readDurability,
  readStore,
  type StreamUsage,
} from "@fieldlog/event-log";
import type { ReadDatabase } from "@fieldlog/read-model";
import { type Gauge, gauge, type Registry } from "@fieldlog/runtime";
import { sql } from "kysely";

/** Milliseconds for which a look at the log is good: several metrics are of one look. */
const LOOK_MS = 1_000;
/** The same of the database's size, which costs PostgreSQL a look at each of its files. */
const SIZE_MS = 60_000;
/** The same of whether NATS flushes, which changes with its configuration only. */
const FLUSHED_MS = 10_000;
/** Milliseconds for which the last answer counts where nobody gives another: a server that is started anew is away for a moment. */
const UNTOLD_MS = 60_000;

export interface Watched {
  readonly log: Pick<EventLog, "usage" | "durability" | "signalsStreams">;
  readonly monitorUrl: string | undefined;
  readonly database: Pick<ReadDatabase<unknown>, "bookkeeping">;
}

/** What the servers hold, told by this service for the whole installation: every replica tells the same. */
export function observeServers(metrics: Registry, { log, monitorUrl, database }: Watched): void {
  observeStreams(metrics, log);
  observeFlushing(metrics, log.durability, monitorUrl);
  const store = kept(LOOK_MS, () => readStore(monitorUrl));
  const stored = { bytes: "Bytes of all streams and stores.", limit_bytes: "Bytes that they may take up." };
  for (const [name, help] of Object.entries(stored)) {
    gauge(metrics, {
      name: `fieldlog_nats_store_${name}`,
      help: `${help} Of the NATS server that FIELDLOG_NATS_MONITOR_URL leads to.`,
      async collect() {
        const usage = await store();
        if (usage === undefined) this.remove();
        else this.set(name === "bytes" ? usage.bytes : usage.maxBytes);
      },
    });
  }
  const size = kept(SIZE_MS, async () => {
    const query = sql<{ bytes: number }>`SELECT pg_database_size(current_database()) AS bytes`;
    return (await query.execute(database.bookkeeping)).rows[0]?.bytes;
  });
  gauge(metrics, {
    name: "fieldlog_postgres_database_bytes",
    help: "Bytes of the database that the read models are in, as of a minute ago at most.",
    async collect() {
      setOrRemove(this, {}, await size());
    },
  });
}

function observeFlushing(metrics: Registry, atStart: Durability, monitorUrl: string | undefined): void {
  const look = kept(FLUSHED_MS, () => readDurability(monitorUrl));
  let told = atStart;
  let toldAt = performance.now();
  gauge(metrics, {
    name: "fieldlog_log_flushed",
    help: "1 if NATS flushes to disk before it acknowledges, 0 if it does not or nobody has told for a minute.",
    async collect() {
      const found = await look();
      if (found !== undefined && found.mode !== "unknown") {
        told = found;
        toldAt = performance.now();
      }
      const isOld = performance.now() - toldAt > UNTOLD_MS;
      this.set(told.mode === "flushed" && !isOld ? 1 : 0);
    },
  });
}

function observeStreams(metrics: Registry, log: Watched["log"]): void {
  const streams: readonly StreamName[] = [...log.signalsStreams, REGISTRY];
  const looks = streams.map((stream) => [stream, kept(LOOK_MS, () => log.usage(stream))] as const);
  // All at once: while nobody answers, each takes as long as a question may.
  const usages = () => Promise.all(looks.map(async ([stream, look]) => [stream, await look()] as const));
  const ofStreams = (name: string, help: string, read: (usage: StreamUsage) => number | undefined) =>
    gauge(metrics, {
      name: `fieldlog_log_${name}`,
      help,
      labelNames: ["stream"],
      async collect() {
        for (const [stream, usage] of await usages()) setOrRemove(this, { stream }, usage && read(usage));
      },
    });
  ofStreams("bytes", "Bytes of the stream, compressed.", ({ bytes }) => bytes);
  ofStreams(
    "limit_bytes",
    "Bytes at which the stream refuses more; absent: no limit of its own.",
    (usage) => {
      return usage.maxBytes;
    },
  );
  ofStreams("commits", "Commits in the stream.", ({ commits }) => commits);
  ofStreams("copies_wanted", "Copies of the stream that there should be.", ({ wanted }) => wanted);
  gauge(metrics, {
    name: "fieldlog_log_copies",
    help: "Copies of the stream, by how they are: leading (0 also where nobody answers), current, behind (or on a server that is away).",
    labelNames: ["stream", "state"],
    async collect() {
      for (const [stream, usage] of await usages()) {
        this.set({ stream, state: "leading" }, usage?.copies.leading ?? 0);
        for (const state of ["current", "behind"] as const) {
          setOrRemove(this, { stream, state }, usage?.copies[state]);
        }
      }
    },
  });
}

function setOrRemove<L extends string>(
  metric: Gauge<L>,
  labels: Partial<Record<L, string>>,
  value: number | undefined,
): void {
  if (value === undefined) metric.remove(labels);
  else metric.set(labels, value);
}

/** Asks at most once in so many milliseconds; undefined: it cannot be known now. */
function kept<T>(ms: number, ask: () => Promise<T | undefined>): () => Promise<T | undefined> {
  let answer: Promise<T | undefined> | undefined;
  let at = 0;
  return () => {
    if (answer === undefined || performance.now() - at > ms) {
      at = performance.now();
      answer = ask().catch(() => undefined);
    }
    return answer;
  };
}
