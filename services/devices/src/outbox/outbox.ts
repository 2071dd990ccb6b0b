import { setTimeout as delay } from "node:timers/promises";
import { fromBinary } from "@bufbuild/protobuf";
import type { Decided, Id, Snapshots } from "@fieldlog/aggregates";
import { aggregateOf, REGISTRY, registry } from "@fieldlog/contracts";
import type { Commit, EventLog } from "@fieldlog/event-log";
import { LeasedWork, type LeaseState, type ReadModelRunner, Tasks } from "@fieldlog/read-model";
import { counter, gauge, type Logger, type Registry as Metrics } from "@fieldlog/runtime";
import { configuration, UNPUBLISHED } from "../decisions/configuration.js";
import { Due } from "./due.js";
import { type PublishingOptions, publishUnpublished } from "./publishing.js";

/** Devices that are served at once. */
const AT_ONCE = 32;
/** Milliseconds to wait while nothing can be published: first, and at most. */
const PAUSE_FIRST_MS = 100;
const PAUSE_MS = 10_000;
/** Milliseconds between two looks whether the read model is there. */
const LOOK_MS = 250;

export interface OutboxOptions extends Pick<PublishingOptions, "configurations"> {
  readonly log: Pick<EventLog, "read" | "lastSequence" | "signals" | "registry">;
  readonly snapshots: Pick<Snapshots, "findPages">;
  /** That of the snapshots. */
  readonly readModel: Pick<ReadModelRunner<Decided>, "checkpoint">;
  readonly database: { readonly url: string; readonly schema: string };
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * Publishes revisions of configurations to their devices, on one replica at a time. None is missed: those that
 * were decided before it began are found in the read model, the others heard from the log.
 */
export class Outbox {
  private readonly leased: LeasedWork;
  private due = new Due();
  private trouble: string | undefined = "it has not started";
  private told: string | undefined;
  private readonly published: { inc(count: number): void };

  constructor(private readonly options: OutboxOptions) {
    const { metrics } = options;
    this.published = counter(metrics, {
      name: "fieldlog_outbox_published_total",
      help: "Revisions of configurations that were published to their devices.",
    });
    const outbox = this;
    gauge(metrics, {
      name: "fieldlog_outbox_pending",
      help: "Devices that this replica knows to have revisions to be published; 0 on one that stands by.",
      collect() {
        this.set(outbox.due.size);
      },
    });
    const { database, logger } = options;
    const onChange = (_: LeaseState, reason?: string) => {
      this.trouble = reason;
    };
    const lease = { url: database.url, schema: database.schema, name: "outbox", logger, onChange };
    this.leased = new LeasedWork(lease, (held) => this.work(held));
  }

  /** Returns at once; waits for Postgres and the log by itself. */
  async start(): Promise<void> {
    this.leased.start();
  }

  /** Ends after what is under way. */
  stop(): Promise<void> {
    return this.leased.stop();
  }

  /** Why this replica neither publishes nor stands by; undefined: it does. */
  async ready(): Promise<string | undefined> {
    return this.trouble;
  }

  private async work(signal: AbortSignal): Promise<void> {
    this.due = new Due();
    const begin = await this.options.log.lastSequence(REGISTRY);
    const tasks = new Tasks(signal);
    tasks.run((ended) => this.follow({ after: begin }, ended));
    tasks.run((ended) => this.findEarlier(begin, ended));
    tasks.run((ended) => this.publish(ended));
    try {
      await tasks.ended();
    } finally {
      this.due = new Due();
    }
  }

  private async follow(
    { after, until }: { after: number; until?: number },
    signal: AbortSignal,
  ): Promise<void> {
    const span = until === undefined ? { after } : { after, until };
    for await (const commits of this.options.log.read(REGISTRY, { ...span, signal })) {
      for (const commit of commits) {
        const id = whatIsNew(commit);
        if (id) this.due.add(id);
      }
    }
  }

  /** Those of before: from the read model, and from the log what that has not got yet. New ones do not wait for it. */
  private async findEarlier(begin: number, signal: AbortSignal): Promise<void> {
    const after = await this.pagesOfReadModel(signal);
    if (after < begin && !signal.aborted) await this.follow({ after, until: begin }, signal);
  }

  /** Up to which sequence the read model had all; waits for tables of this version. */
  private async pagesOfReadModel(signal: AbortSignal): Promise<number> {
    const { readModel, snapshots, logger } = this.options;
    while (!signal.aborted) {
      try {
        const sequence = await readModel.checkpoint();
        if (sequence !== undefined) {
          for await (const page of snapshots.findPages(configuration, UNPUBLISHED)) {
            for (const id of page) this.due.add(id);
          }
          return sequence;
        }
      } catch (error) {
        logger.debug({ err: error }, "outbox: the read model does not answer");
      }
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Device after device, many at once; those that failed come again after the others. */
  private async publish(signal: AbortSignal): Promise<void> {
    const options = { ...this.options, onPublished: (count: number) => this.published.inc(count) };
    let pause = PAUSE_FIRST_MS;
    while (!signal.aborted) {
      const devices = await this.due.take(AT_ONCE, signal);
      const done = await Promise.allSettled(devices.map((id) => publishUnpublished(options, id, signal)));
      const failed = devices.filter((_, index) => done[index]?.status === "rejected");
      for (const id of devices) this.due.done(id);
      for (const id of failed) this.due.add(id);
      this.tell(done.find((outcome) => outcome.status === "rejected")?.reason);
      if (failed.length < devices.length || devices.length === 0) {
        pause = PAUSE_FIRST_MS;
        continue;
      }
      await delay(pause, undefined, { signal }).catch(() => undefined);
      pause = Math.min(pause * 2, PAUSE_MS);
    }
  }

  private tell(error: Error | undefined): void {
    // Told once, however often it is tried again.
    if (error && error.message !== this.told)
      this.options.logger.warn({ err: error }, "outbox: will try again");
    this.told = error?.message;
  }
}

/** The device of which the commit creates a revision. */
function whatIsNew(commit: Commit): Id | undefined {
  const { kind, namespace, id } = aggregateOf(commit.subject);
  if (kind !== configuration.kind) return undefined;
  const { events } = fromBinary(registry.DecisionSchema, commit.data);
  return events.some(({ event }) => event.case === "configurationCreated") ? { namespace, id } : undefined;
}
