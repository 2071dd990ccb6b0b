import type { Health } from "./health.js";
import type { Lifecycle } from "./lifecycle.js";
import { counter, gauge, type Registry } from "./metrics.js";
import type { Settings } from "./settings.js";

/** Of a runtime, what its own metrics are made of. */
interface Observed {
  readonly service: string;
  readonly settings: Settings;
  readonly health: Health;
  readonly lifecycle: Lifecycle;
  readonly metrics: Registry;
}

/** What every process tells of itself, beside memory, processor, event loop and garbage collection. */
export function observeProcess({ service, settings, health, metrics }: Omit<Observed, "lifecycle">): void {
  gauge(metrics, {
    name: "fieldlog_build_info",
    help: "1, of the commit that this process was built of, and what the installation is for.",
    labelNames: ["service", "commit", "environment", "node"],
  }).set(
    {
      ...{ service, commit: settings.commitSha, environment: settings.environment },
      node: process.version,
    },
    1,
  );
  gauge(metrics, {
    name: "fieldlog_ready",
    help: "By check of /readyz, 1 if it holds, else 0.",
    labelNames: ["check"],
    async collect() {
      const { checks } = await health.report();
      for (const [check, outcome] of Object.entries(checks)) this.set({ check }, outcome === "ok" ? 1 : 0);
    },
  });
}

/** What each service of a process tells of itself. */
export function observeService({
  service,
  lifecycle,
  metrics,
}: Pick<Observed, "service" | "lifecycle" | "metrics">): void {
  gauge(metrics, {
    name: "fieldlog_service_up",
    help: "1 from the end of the service's start to the beginning of its stop, else 0.",
    labelNames: ["service"],
    collect() {
      this.set({ service }, lifecycle.phase === "started" ? 1 : 0);
    },
  });
}

/** Counts a service's log entries by level, from warn on. */
export function countLogEntries(metrics: Registry, service: string): (level: string) => void {
  const entries = counter(metrics, {
    name: "fieldlog_log_entries_total",
    help: "Entries that the service wrote to its log, by level: warn, error, fatal.",
    labelNames: ["service", "level"],
  });
  const grave = new Set(["warn", "error", "fatal"]);
  for (const level of grave) entries.inc({ service, level }, 0);
  return (level) => {
    if (grave.has(level)) entries.inc({ service, level });
  };
}
