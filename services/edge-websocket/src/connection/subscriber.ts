import { limits, type Position } from "@fieldlog/contracts";
import type { LoggedEvent } from "@fieldlog/events";
import { type Count, type EventCursor, type EventSink, type Held, noteDelivery } from "@fieldlog/fan-out";
import type { FrameWriter } from "../net/frame-writer.js";
import type { Encoding } from "../protocol/codec.js";
import { eventFrame, messageFrame } from "../protocol/frames.js";

/** Milliseconds without an event after which a subscriber is told how far the log was looked through. */
const POSITION_MS = 15_000;

export interface SubscriberParts {
  readonly writer: FrameWriter;
  readonly encoding: Encoding;
  /** Undefined: as much as the socket takes. */
  readonly credit: number | undefined;
  /** Of a durable subscription. */
  readonly held: Held | undefined;
  readonly count: Count;
}

/** A connection's subscription: takes as much as its socket and its credit allow, and knows what was acknowledged. */
export class Subscriber implements EventSink {
  private credit: number;
  private cursor: EventCursor | undefined;
  private ended = false;
  private creditCame: (() => void) | undefined;
  /** The newest position that the client was told. */
  private told: Position = 0;
  private toldAt = 0;
  /** Told and not acknowledged, of a durable subscription: positions in ascending order. */
  private unacknowledged: Position[] = [];

  constructor(private readonly parts: SubscriberParts) {
    this.credit = parts.credit ?? Number.POSITIVE_INFINITY;
  }

  get isWaiting(): boolean {
    return !this.ended && !this.hasRoom();
  }

  get lag(): number {
    return this.cursor?.lag ?? 0;
  }

  /** @param now ms since 1970 UTC */
  begin(cursor: EventCursor, from: Position, now: number): void {
    this.cursor = cursor;
    this.told = from;
    this.toldAt = now;
    cursor.start();
  }

  hasRoom(): boolean {
    const { writer } = this.parts;
    return (
      this.credit > 0 &&
      writer.backlog < limits.subscriberSocketBytes &&
      this.unacknowledged.length < limits.subscriberCredit
    );
  }

  async roomed(ms?: number): Promise<boolean> {
    if (this.ended || this.hasRoom()) return true;
    if (this.parts.writer.backlog >= limits.subscriberSocketBytes) {
      if (!(await this.parts.writer.drained(ms))) return false;
    } else await this.clientMoves(ms);
    return this.ended || this.hasRoom();
  }

  deliver(event: LoggedEvent): void {
    if (this.ended) return;
    const { writer, encoding, held, count } = this.parts;
    this.credit--;
    this.told = event.position;
    if (held !== undefined) this.unacknowledged.push(event.position);
    noteDelivery(count, "websocket", event);
    writer.write(eventFrame(encoding, event));
  }

  /** False: that many more would be more than it may have. */
  addCredit(credit: number): boolean {
    const sum = this.credit + credit;
    if (Number.isFinite(sum) && sum > limits.subscriberCredit) return false;
    this.credit = sum;
    this.creditCame?.();
    return true;
  }

  /** False: the client was not told of that position. */
  acknowledge(position: Position): boolean {
    if (position > this.told) return false;
    const { held } = this.parts;
    const left = this.unacknowledged.findIndex((each) => each > position);
    const acknowledged = left < 0 ? this.unacknowledged.length : left;
    this.unacknowledged.splice(0, acknowledged);
    held?.acknowledge(position, acknowledged);
    this.creditCame?.();
    return true;
  }

  /** Once a second. @param now ms since 1970 UTC */
  tick(now: number): void {
    const { cursor } = this;
    if (cursor === undefined || this.ended) return;
    const { position } = cursor;
    // What is between is not for it: nobody has to acknowledge that.
    if (this.unacknowledged.length === 0) this.parts.held?.acknowledge(position, 0);
    if (position <= this.told || now - this.toldAt < POSITION_MS) return;
    this.told = position;
    this.toldAt = now;
    this.parts.writer.write(messageFrame(this.parts.encoding, { type: "position", position }));
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.cursor?.end();
    this.creditCame?.();
    void this.parts.held?.release();
  }

  private clientMoves(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(timer);
        this.creditCame = undefined;
        resolve();
      };
      const timer = ms === undefined ? undefined : setTimeout(settle, ms);
      this.creditCame = settle;
    });
  }
}
