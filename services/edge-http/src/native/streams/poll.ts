import type { Credential, EndReason, OpenReader } from "@fieldlog/admission";
import type { Position } from "@fieldlog/contracts";
import type { LoggedEvent } from "@fieldlog/events";
import { type Count, type EventCursor, type EventSink, noteDelivery } from "@fieldlog/fan-out";

/** Bytes of memory after which an answer takes no more events. */
const ANSWER_BYTES = 4 * 1024 * 1024;
/** Milliseconds for which the log is looked through for an answer, however short the wait; for a first event as long as that. */
const LOOK_MS = 1_000;
/** Milliseconds between two looks whether the cursor has seen what its asker has written. */
const CHECK_MS = 5;

export interface PollParts {
  readonly credential: Credential;
  readonly subscription: { readonly namespace: string; readonly id: string };
  /** Events in an answer at most. */
  readonly limit: number;
  /** Milliseconds to wait for the first event. */
  readonly waitMs: number;
  /** The end of the log is not before this: it was written through this edge. */
  readonly atLeast: Position;
  readonly count: Count;
}

export interface Polled {
  readonly events: readonly LoggedEvent[];
  /** Everything up to here is among the events, or not for the subscription. */
  readonly next: Position;
}

/**
 * One question for a subscription's events. It is answered with what there is as soon as the log's end is reached
 * or the answer is full; where there is nothing, with the first event that comes. It always tells how far the log
 * was looked through, so that the next question goes on from there, with or without events.
 */
export class Poll implements EventSink, OpenReader {
  readonly credential: Credential;
  readonly subscription: { readonly namespace: string; readonly id: string };
  /** Why it was broken off, if it was. */
  ended: EndReason | "gone" | "taken over" | undefined;
  private readonly events: LoggedEvent[] = [];
  private bytes = 0;
  /** The first event is the last that is waited for. */
  private prompt = false;
  private readonly done = Promise.withResolvers<void>();
  private cursor: EventCursor | undefined;
  private check: NodeJS.Timeout | undefined;

  constructor(private readonly parts: PollParts) {
    this.credential = parts.credential;
    this.subscription = parts.subscription;
  }

  async run(cursor: EventCursor): Promise<Polled> {
    this.cursor = cursor;
    const looked = setTimeout(() => this.hurry(), LOOK_MS);
    const over = setTimeout(() => this.done.resolve(), Math.max(this.parts.waitMs, LOOK_MS));
    cursor.start();
    await this.done.promise;
    for (const timer of [looked, over, this.check]) clearTimeout(timer);
    const next = cursor.position;
    cursor.end();
    for (const event of this.events) noteDelivery(this.parts.count, "poll", event);
    return { events: this.events, next };
  }

  hasRoom(): boolean {
    return this.events.length < this.parts.limit && this.bytes < ANSWER_BYTES;
  }

  /** What is full stays so. */
  async roomed(): Promise<boolean> {
    await this.done.promise;
    return false;
  }

  deliver(event: LoggedEvent): void {
    this.events.push(event);
    this.bytes += event.bytes;
    if (this.prompt || !this.hasRoom()) this.done.resolve();
  }

  caughtUp(): void {
    if ((this.cursor?.position ?? 0) >= this.parts.atLeast) this.hurry();
    else this.check = setTimeout(() => this.caughtUp(), CHECK_MS);
  }

  end(reason: EndReason | "gone" | "taken over"): void {
    this.ended ??= reason;
    this.done.resolve();
  }

  tick(): void {}

  private hurry(): void {
    this.prompt = true;
    if (this.events.length > 0 || this.parts.waitMs === 0) this.done.resolve();
  }
}
