import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** What a replica is doing about a read model; "standby": another replica writes it. */
export const STATES = ["waiting", "standby", "live", "rebuilding", "stopped"] as const;
export type LocalState = (typeof STATES)[number];

/** What a gauge is read from when the metrics are asked for. */
export interface Observed {
  readonly state: LocalState;
  readonly sequence: number;
  readonly parked: number;
  logSequence(): Promise<number>;
  /** When the log took the first commit that is not applied yet; undefined: it is not known. */
  nextTime(): Promise<Date | undefined>;
}

/** What was written at once, and in how many milliseconds. */
export interface Pulled {
  readonly commits: number;
  readonly records: number;
  readonly ms: number;
}

interface Family {
  readonly applied: Counter;
  readonly duplicates: Counter;
  readonly seconds: Histogram;
  readonly observed: Map<string, Source>;
}

interface Source {
  readonly labels: Labels;
  readonly read: Observed;
  /** Events in a commit, of those applied lately. */
  readonly perCommit: () => number;
}

type Labels = { service: string; model: string };

const LABELS = ["service", "model"] as const;
/** Commits of which it is remembered how many events they held. */
const REMEMBERED = 10_000;
/** Services that share a process share the registry. */
const families = new WeakMap<Registry, Family>();

/** The metrics of one read model; without a registry, none. */
export class ModelMetrics {
  private readonly family: Family | undefined;
  private readonly labels: Labels;
  private commits = 0;
  private records = 0;

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

  observe(read: Observed): void {
    const perCommit = () => (this.commits === 0 ? 1 : this.records / this.commits);
    const { labels } = this;
    this.family?.observed.set(`${labels.service}/${labels.model}`, { labels, read, perCommit });
  }

  applied(records: number, duplicates: number): void {
    this.family?.applied.inc(this.labels, records - duplicates);
    this.family?.duplicates.inc(this.labels, duplicates);
  }

  pulled({ commits, records, ms }: Pulled): void {
    this.family?.seconds.observe(this.labels, ms / 1000);
    this.commits += commits;
    this.records += records;
    if (this.commits <= REMEMBERED) return;
    this.commits /= 2;
    this.records /= 2;
  }
}

function register(registry: Registry): Family {
  const observed: Family["observed"] = new Map();
  const registers = [registry];
  const gauge = (
    name: string,
    help: string,
    value: (source: Source) => Promise<number | undefined> | number,
  ) => {
    new Gauge({
      name: `fieldlog_read_model_${name}`,
      help,
      labelNames: LABELS,
      registers,
      async collect() {
        for (const source of observed.values()) {
          const { labels, read } = source;
          // Another replica's progress is that one's to tell; and without the log there is no lag to tell.
          const own = read.state !== "standby" && read.state !== "waiting";
          const told = own ? await Promise.resolve(value(source)).catch(() => undefined) : undefined;
          if (told !== undefined) this.set(labels, told);
          else this.remove(labels);
        }
      },
    });
  };
  gauge("sequence", "Last sequence of the log that is applied.", ({ read }) => read.sequence);
  gauge("lag_commits", "Commits in the log that are not applied yet.", ({ read }) => lagOf(read));
  gauge(
    "lag_events",
    "Events in the log that are not applied yet: its commits, times the events that those applied lately held.",
    async ({ read, perCommit }) => Math.round((await lagOf(read)) * perCommit()),
  );
  gauge(
    "lag_seconds",
    "Seconds for which the oldest commit that is not applied has been in the log; 0: all are applied.",
    async ({ read }) => {
      if ((await lagOf(read)) === 0) return 0;
      const since = await read.nextTime();
      return since && Math.max(0, Date.now() - since.getTime()) / 1000;
    },
  );
  gauge(
    "parked_devices",
    "Devices or aggregates whose records wait as dead letters.",
    ({ read }) => read.parked,
  );
  new Gauge({
    name: "fieldlog_read_model_state",
    help: "1 for what this replica does about the read model: waiting, standby, live, rebuilding, stopped.",
    labelNames: [...LABELS, "state"],
    registers,
    collect() {
      for (const { labels, read } of observed.values()) {
        for (const state of STATES) this.set({ ...labels, state }, state === read.state ? 1 : 0);
      }
    },
  });
  const counter = (name: string, help: string) =>
    new Counter({ name: `fieldlog_read_model_${name}`, help, labelNames: LABELS, registers });
  return {
    applied: counter("applied_total", "Records applied."),
    duplicates: counter("duplicates_total", "Records left out because their identity was applied before."),
    seconds: new Histogram({
      name: "fieldlog_read_model_apply_seconds",
      help: "Seconds in which a pull of commits was written to PostgreSQL.",
      labelNames: LABELS,
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    observed,
  };
}

async function lagOf(read: Observed): Promise<number> {
  return Math.max(0, (await read.logSequence()) - read.sequence);
}
