import { fromBinary } from "@bufbuild/protobuf";
import {
  aggregateOf,
  INSTALLATION,
  limits,
  REGISTRY,
  registry,
  registryOfKind,
  SAMPLING_TOLD,
} from "@fieldlog/contracts";
import { type Commit, type EventLog, RecordBucket } from "@fieldlog/event-log";
import { underLease } from "@fieldlog/read-model";
import { counter, type Logger, type Registry as Metrics } from "@fieldlog/runtime";
import { LRUCache } from "lru-cache";
import { deviceSamplings } from "../device-samplings.js";
import type { Rows } from "../rows.js";
import { type Facts, stepSignal, toldOf } from "./step-signal.js";

export interface TellerParts {
  readonly log: Pick<EventLog, "read" | "signals" | "connection">;
  readonly rows: Pick<Rows, "sampling">;
  readonly waitFor: (sequence: number, timeoutMs: number) => Promise<boolean>;
  readonly logger: Pick<Logger, "info" | "warn">;
  readonly metrics: Metrics;
  /** postgres://… */
  readonly url: string;
  readonly schema: string;
  /** Copies that NATS keeps of the place. */
  readonly replicas: number;
  readonly now: () => number;
}

/** Whose record the place is. */
const PLACE = { namespace: INSTALLATION, id: "samplings" };
/** Samplings whose facts are remembered. */
const REMEMBERED = 10_000;

/**
 * Tells subscribers of every step of every sampling, as events of the device. One replica does at a time and reads the
 * decisions in their order, so the steps of a device stand in the log as they were decided. Its place stands in NATS;
 * what was told and not noted is told again, under the same identity.
 */
export class Teller {
  private readonly ending = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private readonly facts = new LRUCache<string, Facts>({ max: REMEMBERED });
  private readonly steps: { inc(labels: { step: string }): void };

  constructor(private readonly parts: TellerParts) {
    this.steps = counter(parts.metrics, {
      name: "fieldlog_sampling_steps_total",
      help: "Steps of samplings that this replica told subscribers of, by the event's name.",
      labelNames: ["step"],
    });
  }

  start(): void {
    const { url, schema, logger } = this.parts;
    const { signal } = this.ending;
    let known: string | undefined;
    const onChange = (state: string, reason?: string) => {
      if (state === known) return;
      known = state;
      if (state === "away") logger.warn({ reason }, "telling of samplings waits");
      else logger.info({ state }, "lease");
    };
    this.running = underLease({ url, schema, name: "teller", signal, onChange }, (held) => this.tell(held));
  }

  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
  }

  /** Until the signal. Raises what is to be tried again, from the place that was noted. */
  private async tell(signal: AbortSignal): Promise<void> {
    const { log, logger } = this.parts;
    const place = await Place.open(log.connection, this.parts.replicas);
    const commits = log.read(REGISTRY, {
      ...{ after: place.sequence, subject: registryOfKind(deviceSamplings.kind), signal },
      onInterruption: (err) => logger.warn({ err }, "reading decisions on samplings was interrupted"),
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
    const { log, now } = this.parts;
    const { namespace, id: device } = aggregateOf(subject);
    const decision = this.decoded(data, sequence);
    if (decision === undefined) return [];
    for (const { event } of decision.events) {
      if (event.case === "samplingRequested") this.facts.set(event.value.sampling, factsOf(event.value));
    }
    const appended: Promise<unknown>[] = [];
    for (const [index, told] of toldOf(decision)) {
      const facts = await this.factsOf(namespace, told.sampling, sequence);
      if (facts === undefined) continue;
      const at = { sequence, index, decidedAt: Number(decision.decidedAt), now: now() };
      appended.push(log.signals.append(namespace, stepSignal(device, told, facts, at)));
      this.steps.inc({ step: told.name });
    }
    return appended;
  }

  /** undefined: it is none, which the read model keeps for an operator; the others are told all the same. */
  private decoded(data: Uint8Array, sequence: number): registry.Decision | undefined {
    try {
      return fromBinary(registry.DecisionSchema, data);
    } catch (err) {
      this.parts.logger.warn({ err, sequence }, "what is no decision is not told");
      return undefined;
    }
  }

  /** undefined: it was cleared. */
  private async factsOf(namespace: string, sampling: string, sequence: number): Promise<Facts | undefined> {
    const known = this.facts.get(sampling);
    if (known !== undefined) return known;
    const { waitFor, rows } = this.parts;
    if (!(await waitFor(sequence, limits.readYourWritesMs))) throw new Error("the tables are behind the log");
    const found = await rows.sampling(namespace, sampling);
    if (found === undefined) return undefined;
    this.facts.set(sampling, found.sampling.asked);
    return found.sampling.asked;
  }
}

function factsOf({ label, sensor, category }: registry.SamplingRequested): Facts {
  return { label, sensor, category };
}

/** Up to which sequence everything is told. */
class Place {
  private constructor(
    private readonly bucket: RecordBucket<number>,
    public sequence: number,
    private revision: number,
  ) {}

  static async open(connection: EventLog["connection"], replicas: number): Promise<Place> {
    const bucket = await RecordBucket.open<number>(connection, {
      ...{ name: SAMPLING_TOLD, replicas },
      encode: (sequence) => Buffer.from(String(sequence)),
      decode: (data) => Number(Buffer.from(data).toString()),
    });
    const stored = await bucket.get(PLACE);
    return new Place(bucket, stored?.record ?? 0, stored?.revision ?? 0);
  }

  /** Of two that believe to hold the lease the later one goes on. Raises LogUnavailable, RecordConflict. */
  async move(sequence: number): Promise<void> {
    this.revision = await this.bucket.write(PLACE, sequence, this.revision);
    this.sequence = sequence;
  }
}
