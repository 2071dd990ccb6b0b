import { type SignalsStream, signalsStream } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";

/** Milliseconds for which a sequence serves those who need one that was reached. */
const RECENT_MS = 5_000;

type Log = Pick<EventLog, "lastSequence">;

/** The newest sequence of a namespace's log, asked for once for all who want to know at the same time. */
export class Newest {
  /** As many as there are shards. */
  private readonly streams = new Map<SignalsStream, NewestOfStream>();

  constructor(private readonly log: Log) {}

  /** The newest one at a moment after the call. Raises LogUnavailable. */
  now(namespace: string): Promise<number> {
    return this.of(namespace).now();
  }

  /** One that was reached, a few seconds ago at most. Raises LogUnavailable. */
  recent(namespace: string): Promise<number> {
    return this.of(namespace).recent();
  }

  private of(namespace: string): NewestOfStream {
    const stream = signalsStream(namespace);
    const known = this.streams.get(stream) ?? new NewestOfStream(this.log, stream);
    this.streams.set(stream, known);
    return known;
  }
}

class NewestOfStream {
  private asking: Promise<number> | undefined;
  private next: Promise<number> | undefined;
  private last = 0;
  private lastAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly log: Log,
    private readonly stream: SignalsStream,
  ) {}

  now(): Promise<number> {
    if (this.next !== undefined) return this.next;
    if (this.asking === undefined) return this.ask();
    const next: Promise<number> = this.asking
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        return this.ask();
      });
    this.next = next;
    return next;
  }

  async recent(): Promise<number> {
    return performance.now() - this.lastAt < RECENT_MS ? this.last : this.now();
  }

  private ask(): Promise<number> {
    const asking = this.log
      .lastSequence(this.stream)
      .then((sequence) => {
        this.last = sequence;
        this.lastAt = performance.now();
        return sequence;
      })
      .finally(() => {
        if (this.asking === asking) this.asking = undefined;
      });
    this.asking = asking;
    return asking;
  }
}
