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
import { type Commit, type EventLog, RecordBucket, SignalTooLarge } from "@fieldlog/event-log";
import { LeasedWork } from "@fieldlog/read-model";
import { counter, type Logger, type Registry as Metrics } from "@fieldlog/runtime";

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
  /**
   * The encoded signals of one decision, in order; none: nobody is told. What it raises is tried again, but for what
   * JavaScript raises of wrong values (TypeError, RangeError, SyntaxError): that decision is passed over.
   */
  readonly signalsOf: (told: DecisionToTell) => Promise<readonly Uint8Array[]>;
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
  readonly metrics: Metrics;
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
  private readonly leased: LeasedWork;
  private readonly passedOver: { inc(labels: { kind: string }): void };

  constructor(private readonly options: TellerOptions) {
    this.passedOver = counter(options.metrics, {
      name: "fieldlog_decisions_not_told_total",
      help: "Decisions that subscribers cannot be told of, and were passed over, by the kind of their aggregate.",
      labelNames: ["kind"],
    });
    const { url, schema, logger, kind } = options;
    this.leased = new LeasedWork({ url, schema, name: `telling ${kind}`, logger }, (held) => this.tell(held));
  }

  /** Returns at once; waits for Postgres and the log by itself. */
  start(): void {
    this.leased.start();
  }

  /** Ends after what is under way. */
  stop(): Promise<void> {
    return this.leased.stop();
  }

  /** Until the signal. Raises what is to be tried again, from the place that was noted. */
  private async tell(signal: AbortSignal): Promise<void> {
    const { log, logger, kind, replicas } = this.options;
    const place = await Place.open(log.connection, kind, replicas);
    const commits = log.read(REGISTRY, {
      ...{ after: place.sequence, subject: registryOfKind(kind), signal },
      onInterruption: (err) => logger.warn({ err, kind }, "reading what is to be told was interrupted"),
    });
    try {
      for await (const batch of commits) {
        await this.append(await this.signalsOf(batch));
        place.move(batch.at(-1)?.sequence ?? place.sequence);
        if (signal.aborted) return;
      }
    } finally {
      await place.close();
    }
  }

  /** Of all decisions of a batch, in order. */
  private async signalsOf(batch: readonly Commit[]): Promise<ToldSignal[]> {
    const all: ToldSignal[] = [];
    for (const { subject, sequence, data } of batch) {
      const id = aggregateOf(subject);
      try {
        const decision = decisionIn(data);
        const told = await this.options.signalsOf({ id, sequence, decision });
        all.push(...told.map((signal) => ({ namespace: id.namespace, sequence, signal })));
      } catch (error) {
        this.passOver(sequence, error);
      }
    }
    return all;
  }

  /** All at once: with what the log refuses it refuses all that waits behind it, so nothing is told before its turn. */
  private async append(all: readonly ToldSignal[]): Promise<void> {
    const { signals } = this.options.log;
    const appended = all.map(({ namespace, sequence, signal }) =>
      signals.append(namespace, signal).catch((error: unknown) => this.passOver(sequence, error)),
    );
    await Promise.allSettled(appended);
    await Promise.all(appended);
  }

  /** What is wrong with a decision itself stops no other one. Raises any other error again. */
  private passOver(sequence: number, err: unknown): void {
    if (!PERMANENT.some((of) => err instanceof of)) throw err;
    const { logger, kind } = this.options;
    this.passedOver.inc({ kind });
    logger.error({ err, kind, sequence }, "a decision that cannot be told is passed over");
  }
}

interface ToldSignal {
  readonly namespace: string;
  /** Of the decision. */
  readonly sequence: number;
  /** Encoded. */
  readonly signal: Uint8Array;
}

/** What would be raised again however often it is tried. */
const PERMANENT = [TypeError, RangeError, SyntaxError, SignalTooLarge];

/** Raises TypeError: it is none. */
function decisionIn(data: Uint8Array): registry.Decision {
  try {
    return fromBinary(registry.DecisionSchema, data);
  } catch (cause) {
    throw new TypeError("what is in the log is no decision", { cause });
  }
}

/** Milliseconds from what is told to the note of it. Each note is a flush, for which decisions would wait. */
const NOTE_MS = 500;

/** Up to which sequence everything is told. */
class Place {
  private noted: number;
  private timer: NodeJS.Timeout | undefined;
  private noting: Promise<void> = Promise.resolve();
  private failure: unknown;

  private constructor(
    private readonly bucket: RecordBucket<number>,
    private readonly kind: AggregateKind,
    public sequence: number,
    private revision: number,
  ) {
    this.noted = sequence;
  }

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

  /**
   * Noted soon. Of two that believe to hold the lease the later one goes on. Raises what kept an earlier move from being
   * noted: LogUnavailable, RecordConflict.
   */
  move(sequence: number): void {
    if (this.failure !== undefined) throw this.failure;
    this.sequence = sequence;
    this.timer ??= setTimeout(() => this.note(), NOTE_MS);
  }

  /** Notes it now. What cannot be noted is told again. */
  async close(): Promise<void> {
    this.note();
    await this.noting;
  }

  private note(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.noting = this.noting.then(async () => {
      const { sequence } = this;
      if (this.failure !== undefined || sequence === this.noted) return;
      try {
        this.revision = await this.bucket.write(
          { namespace: INSTALLATION, id: this.kind },
          sequence,
          this.revision,
        );
        this.noted = sequence;
      } catch (error) {
        this.failure = error;
      }
    });
  }
}
