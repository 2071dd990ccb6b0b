import { REGISTRY, SIGNALS, type StreamName } from "@fieldlog/contracts";
import { type EventLog, readStore, type StreamUsage } from "@fieldlog/event-log";
import type { ReadDatabase } from "@fieldlog/read-model";
import { type Gauge, gauge, type Registry } from "@fieldlog/runtime";
import { sql } from "kysely";

/** Milliseconds for which a look at the log is good: several metrics are of one look. */
const LOOK_MS = 1_000;
/** The same of the database's size, which costs PostgreSQL a look at each of its files. */
const SIZE_MS = 60_000;

export interface Watched {
  readonly log: Pick<EventLog, "usage" | "durability">;
  readonly monitorUrl: string | undefined;
  readonly database: Pick<ReadDatabase<unknown>, "bookkeeping">;
}

/** What the servers hold, told by this service for the whole installation: every replica tells the same. */
export function observeServers(metrics: Registry, { log, monitorUrl, database }: Watched): void {
  observeStreams(metrics, log);
  gauge(metrics, {
    name: "fieldlog_log_flushed",
    help: "1 if NATS flushes to disk before it acknowledges, 0 if it does not or nobody can tell.",
  }).set(log.durability.mode === "flushed" ? 1 : 0);
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

function observeStreams(metrics: Registry, log: Watched["log"]): void {
  const streams: readonly StreamName[] = [SIGNALS, REGISTRY];
  const looks = new Map(streams.map((stream) => [stream, kept(LOOK_MS, () => log.usage(stream))]));
  const ofStreams = (name: string, help: string, read: (usage: StreamUsage) => number | undefined) =>
    gauge(metrics, {
      name: `fieldlog_log_${name}`,
      help,
      labelNames: ["stream"],
      async collect() {
        for (const [stream, look] of looks) {
          const usage = await look();
          setOrRemove(this, { stream }, usage && read(usage));
        }
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
    help: "Copies of the stream, by how they are: leading, current, behind (or on a server that is away).",
    labelNames: ["stream", "state"],
    async collect() {
      for (const [stream, look] of looks) {
        const usage = await look();
        for (const state of ["leading", "current", "behind"] as const) {
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
