import { fromBinary } from "@bufbuild/protobuf";
import { groupOnceThere } from "@fieldlog/aggregates";
import { aggregateOf, limits, REGISTRY, registry, registryOfKind } from "@fieldlog/contracts";
import type { EventLog, Group, Handout } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import type { Rows } from "./rows.js";
import type { Samplings } from "./samplings.js";

/** Stored samples that one replica works on at once. */
const AT_ONCE = 16;
/** Seconds without any replica after which the server would forget the place: longer than any outage. */
const INACTIVE_S = 5 * 366 * 86_400;
/** Milliseconds after which one that failed is tried again. */
const AGAIN_MS = 1_000;

export interface ArrivalsParts {
  readonly log: Pick<EventLog, "group">;
  readonly rows: Pick<Rows, "sampling">;
  readonly samplings: Pick<Samplings, "arrive">;
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
  readonly logger: Pick<Logger, "warn">;
}

/**
 * A sample that was stored for a sampling ends it. Shared out among the replicas, each until it is done; done again it
 * has no effect.
 */
export class Arrivals {
  private readonly ending = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private held = 0;
  private wake: () => void = () => undefined;

  constructor(private readonly parts: ArrivalsParts) {}

  /** Waits for the log as long as it takes. */
  async start(): Promise<void> {
    const { log, logger } = this.parts;
    const { signal } = this.ending;
    const place = { name: "sampling-arrivals", subject: registryOfKind("sample"), after: 0 };
    const options = { stream: REGISTRY, ...place, inactiveS: INACTIVE_S } as const;
    const group = await groupOnceThere(log, options, { logger, signal });
    this.running = this.follow(group);
  }

  async stop(): Promise<void> {
    this.ending.abort();
    this.wake();
    await this.running;
  }

  private async follow(group: Group): Promise<void> {
    const { signal } = this.ending;
    await group.follow({
      signal,
      room: async () => {
        while (this.held >= AT_ONCE && !signal.aborted) {
          await new Promise<void>((resolve) => {
            this.wake = resolve;
          });
        }
        return Math.max(1, AT_ONCE - this.held);
      },
      take: (handout) => {
        this.held++;
        void this.settle(handout).finally(() => {
          this.held--;
          this.wake();
        });
      },
      onInterruption: (err) => this.parts.logger.warn({ err }, "following stored samples was interrupted"),
    });
  }

  private async settle(handout: Handout): Promise<void> {
    try {
      await this.arrive(handout);
      handout.ack();
    } catch (err) {
      this.parts.logger.warn({ err, sequence: handout.sequence }, "an arrival will be tried again");
      setTimeout(() => handout.giveBack(), AGAIN_MS).unref();
    }
  }

  private async arrive({ subject, sequence, data }: Handout): Promise<void> {
    const { rows, samplings, waitFor } = this.parts;
    const { namespace, id } = aggregateOf(subject);
    for (const { event } of fromBinary(registry.DecisionSchema, data).events) {
      if (event.case !== "sampleStored" || event.value.sampling === "") continue;
      // It was found in a table, so it is in this one as soon as that has come as far.
      if (!(await waitFor(sequence, limits.readYourWritesMs)))
        throw new Error("the tables are behind the log");
      const found = await rows.sampling(namespace, event.value.sampling);
      if (found === undefined) continue;
      await samplings.arrive({ namespace, id: found.device }, found.sampling.id, { id, number: sequence });
    }
  }
}
