import type { CommitOutcome } from "@fieldlog/event-log";
import { histogram, type Registry } from "@fieldlog/runtime";

const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

/** How the log takes this edge's commits. To be handed to `connectLog`; per commit, not per signal. */
export function observeCommits(metrics: Registry): (outcome: CommitOutcome) => void {
  const seconds = histogram(metrics, {
    name: "fieldlog_commit_seconds",
    help: "From the sending of a commit to its flushed acknowledgement, or its failure.",
    labelNames: ["outcome"],
  });
  const signals = histogram(metrics, {
    name: "fieldlog_commit_signals",
    help: "Signals in a commit that the log took.",
    buckets: SIZES,
  });
  return ({ ok, count, durationMs }) => {
    seconds.observe({ outcome: ok ? "stored" : "failed" }, durationMs / 1000);
    if (ok) signals.observe(count);
  };
}
