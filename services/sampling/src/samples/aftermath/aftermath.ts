import { fromBinary } from "@bufbuild/protobuf";
import { aggregateOf, REGISTRY, registry, registryOfKind } from "@fieldlog/contracts";
import { clearedBy, type EventLog, type Group, type Handout } from "@fieldlog/event-log";
import { counter, gauge, type Logger, type Registry as Metrics } from "@fieldlog/runtime";
import type { Consequences } from "./consequences.js";

/** Decisions that one replica works on at once, of each kind. */
const AT_ONCE = 16;
/** Seconds without any replica after which the server would forget the place: longer than any outage. */
const INACTIVE_S = 5 * 366 * 86_400;
/** Milliseconds after which a decision that failed is tried again. */
const AGAIN_MS = 1_000;

const KINDS = ["sample", "model", "device", "clearing"] as const;
type Kind = (typeof KINDS)[number];

export interface AftermathParts {
  readonly log: Pick<EventLog, "group">;
  readonly consequences: Consequences;
  readonly logger: Pick<Logger, "warn">;
  readonly metrics: Metrics;
}

/**
 * What follows from decisions: shared out among the replicas, each decision until what follows from it is done. The
 * place in the log is kept by the server, so nothing is missed, whichever replica is killed; what was done and not
 * noted is done again, and has no effect then.
 */
export class Aftermath {
  private readonly ending = new AbortController();
  private readonly running: Promise<void>[] = [];
  private readonly done: { inc(labels: { kind: string; outcome: string }): void };
  private underWay = 0;

  constructor(private readonly parts: AftermathParts) {
    this.done = counter(parts.metrics, {
      name: "fieldlog_samples_aftermath_total",
      help: "Decisions of which what follows was done, or failed and is tried again, by kind.",
      labelNames: ["kind", "outcome"],
    });
    const aftermath = this;
    gauge(parts.metrics, {
      name: "fieldlog_samples_aftermath_under_way",
      help: "Decisions of which this replica does what follows.",
      collect() {
        this.set(aftermath.underWay);
      },
    });
  }

  /** Raises LogUnavailable. */
  async start(): Promise<void> {
    for (const kind of KINDS) {
      const group = await this.parts.log.group({
        ...{ stream: REGISTRY, name: `samples-${kind}`, subject: registryOfKind(kind), after: 0 },
        inactiveS: INACTIVE_S,
      });
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
      onInterruption: (err) => this.parts.logger.warn({ err, kind }, "following decisions was interrupted"),
    });
  }

  private async settle(kind: Kind, handout: Handout): Promise<void> {
    this.underWay++;
    try {
      await this.follows(kind, handout);
      handout.ack();
      this.done.inc({ kind, outcome: "done" });
    } catch (err) {
      this.done.inc({ kind, outcome: "failed" });
      this.parts.logger.warn({ err, kind, sequence: handout.sequence }, "will be tried again");
      setTimeout(() => handout.giveBack(), AGAIN_MS).unref();
    } finally {
      this.underWay--;
    }
  }

  private async follows(kind: Kind, { subject, data }: Handout): Promise<void> {
    const { consequences } = this.parts;
    const { namespace, id } = aggregateOf(subject);
    if (kind === "clearing") {
      const cleared = clearedBy({ stream: REGISTRY, subject, data });
      if (cleared?.device) return await consequences.ofErasure(cleared.namespace, cleared.device);
      if (cleared) await consequences.ofClearing(cleared.namespace);
      return;
    }
    for (const { event } of fromBinary(registry.DecisionSchema, data).events) {
      if (kind === "sample") await consequences.ofSample({ namespace, id }, event);
      else if (kind === "model") await consequences.ofModel({ namespace, id }, event);
      else if (event.case === "deviceErased") await consequences.ofErasure(namespace, id);
    }
  }
}
