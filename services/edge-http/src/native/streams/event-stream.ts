import type { ServerResponse } from "node:http";
import type { Credential, EndReason, OpenReader } from "@fieldlog/admission";
import { limits, type Position } from "@fieldlog/contracts";
import type { LoggedEvent } from "@fieldlog/events";
import { type Count, type EventCursor, type EventSink, noteDelivery } from "@fieldlog/fan-out";
import { BEAT, eventFrame, firstFrame, positionFrame } from "./frames.js";

/** Milliseconds without an event after which the stream shows that it is alive. */
const BEAT_MS = 15_000;
/** Milliseconds for which a socket may take nothing at all; its client loses nothing, as it knows where it was. */
const STALL_MS = 120_000;
/** Milliseconds that a stream may take to send what it holds once it ends. */
const LINGER_MS = 1_000;

/** What a stream of a durable subscription tells of how far it is. */
export interface Progress {
  /** Everything up to here is in the hands of the socket, or not for it; `delivered` more events than told before. */
  acknowledge(position: Position, delivered: number): void;
  /** The stream is gone; nothing is acknowledged after. */
  release(): void;
}

export interface EventStreamParts {
  readonly response: ServerResponse;
  readonly credential: Credential;
  readonly subscription?: { readonly namespace: string; readonly id: string };
  readonly progress?: Progress;
  /** ms since 1970 UTC. */
  readonly now: () => number;
  readonly count: Count;
  /** Once, when the stream is gone. */
  readonly onClosed: (stream: EventStream) => void;
}

/** One answer that is a stream of server-sent events: takes as much as its socket does. */
export class EventStream implements EventSink, OpenReader {
  readonly credential: Credential;
  readonly subscription: { readonly namespace: string; readonly id: string } | undefined;
  private cursor: EventCursor | undefined;
  private ended = false;
  /** The newest position that the client was told. */
  private told: Position = 0;
  private wroteAt: number;
  private flushed: Position = 0;
  private delivered = 0;
  private stalledAt: number | undefined;
  private stalledBytes = 0;

  constructor(private readonly parts: EventStreamParts) {
    this.credential = parts.credential;
    this.subscription = parts.subscription;
    this.wroteAt = parts.now();
  }

  /** Sends the head of the answer, and from then on what the cursor delivers. */
  begin(cursor: EventCursor, from: Position): void {
    const { response } = this.parts;
    this.cursor = cursor;
    if (response.closed) {
      this.close();
      return;
    }
    response.once("close", () => this.close());
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // Proxies that hold answers back until they are whole would hold back this one for ever.
      "x-accel-buffering": "no",
    });
    response.write(firstFrame(from));
    this.told = from;
    cursor.start();
  }

  hasRoom(): boolean {
    return this.parts.response.writableLength < limits.subscriberSocketBytes;
  }

  roomed(ms?: number): Promise<boolean> {
    const { response } = this.parts;
    if (this.ended || response.writableLength === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (room: boolean) => {
        clearTimeout(timer);
        response.off("drain", roomed).off("close", roomed);
        resolve(room);
      };
      const roomed = () => settle(true);
      const timer = ms === undefined ? undefined : setTimeout(settle, ms, false);
      response.once("drain", roomed).once("close", roomed);
    });
  }

  deliver(event: LoggedEvent): void {
    const { response, progress, now, count } = this.parts;
    const { position } = event;
    noteDelivery(count, "sse", event);
    const onFlushed = (error?: Error | null) => {
      if (error) return;
      this.flushed = position;
      this.delivered++;
    };
    if (progress) response.write(eventFrame(event), onFlushed);
    else response.write(eventFrame(event));
    this.told = position;
    this.wroteAt = now();
  }

  tick(now: number): void {
    if (this.ended) return;
    const { writableLength } = this.parts.response;
    if (writableLength === 0) {
      this.stalledAt = undefined;
      if (now - this.wroteAt >= BEAT_MS) this.beat(now);
    } else if (this.isStalled(now)) this.parts.response.destroy();
    this.acknowledge();
  }

  /** The client comes back by itself, unless it is told that it may not. */
  end(_reason: EndReason | "taken over"): void {
    if (this.ended) return;
    this.acknowledge();
    this.ended = true;
    this.cursor?.end();
    const { response } = this.parts;
    response.end();
    setTimeout(() => response.destroy(), LINGER_MS).unref();
  }

  private beat(now: number): void {
    const { response } = this.parts;
    const position = this.cursor?.position ?? 0;
    response.write(position > this.told ? `${BEAT}${positionFrame(position)}` : BEAT);
    this.told = Math.max(this.told, position);
    this.wroteAt = now;
  }

  private isStalled(now: number): boolean {
    const taken = (this.parts.response.socket?.bytesWritten ?? 0) - this.parts.response.writableLength;
    if (this.stalledAt === undefined || taken !== this.stalledBytes) {
      this.stalledAt = now;
      this.stalledBytes = taken;
    }
    return now - this.stalledAt >= STALL_MS;
  }

  /** Nothing waits, so all that the cursor has passed is in the client's hands or not for it. */
  private isIdle(): boolean {
    const { response } = this.parts;
    return !this.ended && response.socket?.destroyed === false && response.writableLength === 0;
  }

  private acknowledge(): void {
    const { progress } = this.parts;
    if (progress === undefined) return;
    if (this.isIdle()) this.flushed = Math.max(this.flushed, this.cursor?.position ?? 0);
    if (this.flushed === 0) return;
    progress.acknowledge(this.flushed, this.delivered);
    this.delivered = 0;
  }

  private close(): void {
    this.ended = true;
    this.cursor?.end();
    this.acknowledge();
    this.parts.progress?.release();
    this.parts.onClosed(this);
  }
}
