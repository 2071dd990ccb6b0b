import { setTimeout as sleep } from "node:timers/promises";
import { type AggregateKind, REGISTRY, registryOfKind } from "@fieldlog/contracts";
import {
  type EventLog,
  type Group,
  type GroupOptions,
  type Handout,
  LogUnavailable,
} from "@fieldlog/event-log";
import { counter, gauge, type Logger, type Registry as Metrics } from "@fieldlog/runtime";

/** Decisions that one replica works on at once, of each kind. */
const AT_ONCE = 16;
/** Seconds without any replica after which the server would forget the place: longer than any outage. */
const INACTIVE_S = 5 * 366 * 86_400;
/** Milliseconds after which a decision that failed is tried again. */
const AGAIN_MS = 1_000;

export interface AftermathOptions<Kind extends AggregateKind> {
  readonly log: Pick<EventLog, "group">;
  /** Part of the places' names, which are those of the server: not to be changed. Letters and digits. */
  readonly name: string;
  /** Of aggregates on whose decisions something follows. */
  readonly kinds: readonly Kind[];
  /** Does what follows; it may be asked for again with the same decision. What it raises is tried again. */
  readonly follows: (kind: Kind, decision: Pick<Handout, "subject" | "data" | "sequence">) => Promise<void>;
  readonly logger: Pick<Logger, "warn">;
  readonly metrics: Metrics;
}

/**
 * What follows from decisions: shared out among the replicas, each decision until what follows from it is done. The
 * place in the log is kept by the server, so nothing is missed, whichever replica is killed; what was done and not
 * noted is done again, and has no effect then.
 */
export class Aftermath<Kind extends AggregateKind> {
  private readonly ending = new AbortController();
  private readonly running: Promise<void>[] = [];
  private readonly done: { inc(labels: { kind: string; outcome: string }): void };
  private underWay = 0;

  constructor(private readonly options: AftermathOptions<Kind>) {
    this.done = counter(options.metrics, {
      name: "fieldlog_aftermath_total",
      help: "Decisions of which what follows was done, or failed and is tried again, by kind and outcome: done, failed.",
      labelNames: ["kind", "outcome"],
    });
    const aftermath = this;
    gauge(options.metrics, {
      name: "fieldlog_aftermath_under_way",
      help: "Decisions of which this replica does what follows.",
      labelNames: ["name"],
      collect() {
        this.set({ name: options.name }, aftermath.underWay);
      },
    });
  }

  /** Waits for the log as long as it takes. */
  async start(): Promise<void> {
    const { log, name, kinds, logger } = this.options;
    const { signal } = this.ending;
    for (const kind of kinds) {
      const place = {
        name: `${name}-${kind}`,
        subject: registryOfKind(kind),
        after: 0,
        inactiveS: INACTIVE_S,
      };
      const group = await groupOnceThere(log, { stream: REGISTRY, ...place }, { logger, signal });
      this.running.push(this.follow(kind, group));
    }
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await Promise.all(this.running);
  }

  private async follow(kind: Kind, group: Group): Promise<void> {
    let held = 0;
    let wake: () => void = () => undefined;
    const { signal } = this.ending;
    signal.addEventListener("abort", () => wake());
    await group.follow({
      signal,
      room: async () => {
        while (held >= AT_ONCE && !signal.aborted) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        return Math.max(1, AT_ONCE - held);
      },
      take: (handout) => {
        held++;
        void this.settle(kind, handout).finally(() => {
          held--;
          wake();
        });
      },
      onInterruption: (err) => this.options.logger.warn({ err, kind }, "following decisions was interrupted"),
    });
  }

  private async settle(kind: Kind, handout: Handout): Promise<void> {
    this.underWay++;
    try {
      await this.options.follows(kind, handout);
      handout.ack();
      this.done.inc({ kind, outcome: "done" });
    } catch (err) {
      this.done.inc({ kind, outcome: "failed" });
      this.options.logger.warn({ err, kind, sequence: handout.sequence }, "will be tried again");
      setTimeout(() => handout.giveBack(), AGAIN_MS).unref();
    } finally {
      this.underWay--;
    }
  }
}

/** Opens a group of readers, however long the log is away. Raises what the log raises once `signal` says so. */
export async function groupOnceThere(
  log: Pick<EventLog, "group">,
  options: GroupOptions,
  { logger, signal }: { logger: Pick<Logger, "warn">; signal: AbortSignal },
): Promise<Group> {
  for (;;) {
    try {
      return await log.group(options);
    } catch (err) {
      if (!(err instanceof LogUnavailable) || signal.aborted) throw err;
      logger.warn({ err, group: options.name }, "waiting for the log");
      await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
