import { Counter, Gauge, type Registry } from "prom-client";

/** What a replica is doing about a read model; "standby": another replica writes it. */
export const STATES = ["waiting", "standby", "live", "rebuilding", "stopped"] as const;
export type LocalState = (typeof STATES)[number];

/** What a gauge is read from when the metrics are asked for. */
export interface Observed {
  readonly state: LocalState;
  readonly sequence: number;
  readonly parked: number;
  /** When the log took the newest commit that is applied, if this replica knows. */
  readonly appliedTime: Date | undefined;
  logSequence(): Promise<number>;
}

interface Family {
  readonly applied: Counter;
  readonly duplicates: Counter;
  readonly observed: Map<string, { labels: Labels; source: Observed }>;
}

type Labels = { service: string; model: string };

const LABELS = ["service", "model"] as const;
/** Services that share a process share the registry. */
const families = new WeakMap<Registry, Family>();

/** The metrics of one read model; without a registry, none. */
export class ModelMetrics {
  private readonly family: Family | undefined;
  private readonly labels: Labels;

  constructor(registry: Registry | undefined, service: string, model: string) {
    this.labels = { service, model };
    if (!registry) return;
    let family = families.get(registry);
    if (!family) {
      family = register(registry);
      families.set(registry, family);
    }
    this.family = family;
  }

  observe(source: Observed): void {
    this.family?.observed.set(`${this.labels.service}/${this.labels.model}`, { labels: this.labels, source });
  }

  applied(records: number, duplicates: number): void {
    this.family?.applied.inc(this.labels, records - duplicates);
    this.family?.duplicates.inc(this.labels, duplicates);
  }
}

function register(registry: Registry): Family {
  const observed: Family["observed"] = new Map();
  const registers = [registry];
  const gauge = (name: string, help: string, read: (source: Observed) => Promise<number> | number) => {
    new Gauge({
      name: `fieldlog_read_model_${name}`,
      help,
      labelNames: LABELS,
      registers,
      async collect() {
        for (const { labels, source } of observed.values()) {
          // Another replica's progress is that one's to tell; and without the log there is no lag to tell.
          const own = source.state !== "standby" && source.state !== "waiting";
          const value = own ? await Promise.resolve(read(source)).catch(() => undefined) : undefined;
          if (value !== undefined) this.set(labels, value);
          else this.remove(labels);
        }
      },
    });
  };
  gauge("sequence", "Last sequence of the log that is applied", (source) => source.sequence);
  gauge("lag_commits", "Commits in the log that are not applied yet", async (source) =>
    Math.max(0, (await source.logSequence()) - source.sequence),
  );
  gauge("lag_seconds", "Age of the newest applied commit while others wait, else 0", async (source) => {
    const behind = (await source.logSequence()) > source.sequence;
    return behind && source.appliedTime ? (Date.now() - source.appliedTime.getTime()) / 1000 : 0;
  });
  gauge("parked_devices", "Keys whose records wait as dead letters", (source) => source.parked);
  new Gauge({
    name: "fieldlog_read_model_state",
    help: "1 for what this replica does about the read model",
    labelNames: [...LABELS, "state"],
    registers,
    collect() {
      for (const { labels, source } of observed.values()) {
        for (const state of STATES) this.set({ ...labels, state }, state === source.state ? 1 : 0);
      }
    },
  });
  const counter = (name: string, help: string) =>
    new Counter({ name: `fieldlog_read_model_${name}`, help, labelNames: LABELS, registers });
  return {
    applied: counter("applied_total", "Records applied"),
    duplicates: counter("duplicates_total", "Records left out because their identity was applied before"),
    observed,
  };
}
