import type { CommitOutcome, EventLog } from "@fieldlog/event-log";
import { counter, gauge, histogram, type Runtime } from "@fieldlog/runtime";
import type { Known } from "./known.js";

const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];
const BYTES = [256, 1024, 4096, 16_384, 65_536, 131_072, 262_144, 524_288];

/** How the log takes an edge's commits. To be handed to `connectLog`; per commit, not per signal. */
export function observeCommits({
  metrics,
  service,
}: Pick<Runtime, "metrics" | "service">): (outcome: CommitOutcome) => void {
  const seconds = histogram(metrics, {
    name: "fieldlog_commit_seconds",
    help: "Seconds from the sending of a commit to its flushed acknowledgement, or its failure, by outcome: stored, failed.",
    labelNames: ["service", "outcome"],
  });
  const signals = histogram(metrics, {
    name: "fieldlog_commit_signals",
    help: "Signals in a commit that the log took.",
    labelNames: ["service"],
    buckets: SIZES,
  });
  const bytes = histogram(metrics, {
    name: "fieldlog_commit_bytes",
    help: "Bytes of a commit that the log took, before its compression.",
    labelNames: ["service"],
    buckets: BYTES,
  });
  const stored = seconds.labels({ service, outcome: "stored" });
  const failed = seconds.labels({ service, outcome: "failed" });
  const [signalsOfOne, bytesOfOne] = [signals.labels({ service }), bytes.labels({ service })];
  return (commit) => {
    (commit.ok ? stored : failed).observe(commit.durationMs / 1000);
    if (!commit.ok) return;
    signalsOfOne.observe(commit.count);
    bytesOfOne.observe(commit.bytes);
  };
}

/** What an edge keeps in memory, and what waits in it for the log. */
export function observeEdge(
  { metrics, service }: Pick<Runtime, "metrics" | "service">,
  { known, log }: { readonly known: Known; readonly log: Pick<EventLog, "signals"> },
): void {
  gauge(metrics, {
    name: "fieldlog_edge_pending_signals",
    help: "Signals that wait for the log or are on their way to it.",
    labelNames: ["service"],
    collect() {
      this.set({ service }, log.signals.pending);
    },
  });
  gauge(metrics, {
    name: "fieldlog_edge_cached_entries",
    help: "Entries that the edge keeps in memory of who may do what, by cache.",
    labelNames: ["service", "cache"],
    collect() {
      for (const [cache, { size }] of Object.entries(known)) this.set({ service, cache }, size);
    },
  });
  counter(metrics, {
    name: "fieldlog_edge_cache_lookups_total",
    help: "Look-ups in these caches, by outcome: hit, miss (somebody had to be asked).",
    labelNames: ["service", "cache", "outcome"],
    collect() {
      for (const [cache, { lookups }] of Object.entries(known) as [string, Known[keyof Known]][]) {
        this.inc({ service, cache, outcome: "hit" }, lookups.hits);
        this.inc({ service, cache, outcome: "miss" }, lookups.misses);
      }
    },
  });
}
