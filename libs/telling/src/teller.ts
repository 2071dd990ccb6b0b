import { fromBinary } from "@bufbuild/protobuf";
import {
  type AggregateId,
  type AggregateKind,
  aggregateOf,
  DECISIONS_TOLD,
  INSTALLATION,
  REGISTRY,
  registry,
  registryOfKind,
} from "@fieldlog/contracts";
import { type Commit, type EventLog, RecordBucket } from "@fieldlog/event-log";
import { underLease } from "@fieldlog/read-model";
import type { Logger } from "@fieldlog/runtime";

/** One decision that subscribers are to be told of. */
export interface DecisionToTell {
  readonly id: AggregateId;
  readonly sequence: number;
  readonly decision: registry.Decision;
}

export interface TellerOptions {
  readonly log: Pick<EventLog, "read" | "signals" | "connection">;
  /** Whose decisions are told; one teller for each. */
  readonly kind: AggregateKind;
  /** The encoded signals of one decision, in order; none: nobody is told. What it raises is tried again. */
  readonly signalsOf: (told: DecisionToTell) => Promise<readonly Uint8Array[]>;
  readonly logger: Pick<Logger, "info" | "warn">;
  /** postgres://…, and the service's schema there: for the lease. */
  readonly url: string;
  readonly schema: string;
  /** Copies that NATS keeps of the place. */
  readonly replicas: number;
}

/**
 * Tells subscribers of decisions. One replica does at a time and reads them in their order, so in the log the events of an
 * aggregate stand as they were decided. What was told and not noted is told again, under the same identity.
 */
export class Teller {
  private readonly ending = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly options: TellerOptions) {}

  /** Returns at once; waits for Postgres and the log by itself. */
  start(): void {
    const { url, schema, logger, kind } = this.options;
    const { signal } = this.ending;
    let known: string | undefined;
    const onChange = (state: string, reason?: string) => {
      if (state === known) return;
      known = state;
      if (state === "away") logger.warn({ kind, reason }, "telling waits");
      else logger.info({ kind, state }, "lease of telling");
    };
    const lease = { url, schema, name: `telling ${kind}`, signal, onChange };
    this.running = underLease(lease, (held) => this.tell(held));
  }

  /** Ends after what is under way. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
  }

  /** Until the signal. Raises what is to be tried again, from the place that was noted. */
  private async tell(signal: AbortSignal): Promise<void> {
    const { log, logger, kind, replicas } = this.options;
    const place = await Place.open(log.connection, kind, replicas);
    const commits = log.read(REGISTRY, {
      ...{ after: place.sequence, subject: registryOfKind(kind), signal },
      onInterruption: (err) => logger.warn({ err, kind }, "reading what is to be told was interrupted"),
    });
    for await (const batch of commits) {
      const appended: Promise<unknown>[] = [];
      try {
        for (const commit of batch) appended.push(...(await this.append(commit)));
      } finally {
        await Promise.allSettled(appended);
      }
      await Promise.all(appended);
      await place.move(batch.at(-1)?.sequence ?? place.sequence);
      if (signal.aborted) return;
    }
  }

  /** The appends that were begun, in order: the log keeps it. */
  private async append({ subject, sequence, data }: Commit): Promise<Promise<unknown>[]> {
    const { log, signalsOf } = this.options;
    const id = aggregateOf(subject);
    const decision = this.decoded(data, sequence);
    if (decision === undefined) return [];
    const told = await signalsOf({ id, sequence, decision });
    return told.map((signal) => log.signals.append(id.namespace, signal));
  }

  /** undefined: it is none; the others are told all the same. */
  private decoded(data: Uint8Array, sequence: number): registry.Decision | undefined {
    try {
      return fromBinary(registry.DecisionSchema, data);
    } catch (err) {
      this.options.logger.warn({ err, sequence }, "what is no decision is not told");
      return undefined;
    }
  }
}

/** Up to which sequence everything is told. */
class Place {
  private constructor(
    private readonly bucket: RecordBucket<number>,
    private readonly kind: AggregateKind,
    public sequence: number,
    private revision: number,
  ) {}

  static async open(
    connection: EventLog["connection"],
    kind: AggregateKind,
    replicas: number,
  ): Promise<Place> {
    const bucket = await RecordBucket.open<number>(connection, {
      ...{ name: DECISIONS_TOLD, replicas },
      encode: (sequence) => Buffer.from(String(sequence)),
      decode: (data) => Number(Buffer.from(data).toString()),
    });
    const stored = await bucket.get({ namespace: INSTALLATION, id: kind });
    return new Place(bucket, kind, stored?.record ?? 0, stored?.revision ?? 0);
  }

  /** Of two that believe to hold the lease the later one goes on. Raises LogUnavailable, RecordConflict. */
  async move(sequence: number): Promise<void> {
    const key = { namespace: INSTALLATION, id: this.kind };
    this.revision = await this.bucket.write(key, sequence, this.revision);
    this.sequence = sequence;
  }
}
