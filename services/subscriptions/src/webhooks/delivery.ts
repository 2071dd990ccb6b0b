import { setTimeout as sleepFor } from "node:timers/promises";
import type { Position } from "@fieldlog/contracts";
import { spanOverMany } from "@fieldlog/event-log";
import type { LoggedEvent } from "@fieldlog/events";
import type { EventCursor, EventSink, Held, Slots } from "@fieldlog/fan-out";
import type { WebhookSubscription } from "../service/webhook-subscriptions.js";
import { messageOf, requestOf } from "./message.js";
import type { Posted } from "./post.js";
import { Queue, type QueueBudget } from "./queue.js";
import { nextAttempt } from "./schedule.js";
import { secretBytes, signatureHeaders } from "./signature.js";

/** Milliseconds that a request under way has when the delivery ends. */
const END_MS = 5_000;
/** Milliseconds of a pause over which the events for the next attempt stay in memory. */
const KEEP_MS = 10_000;
/** Milliseconds of an answer from which an endpoint counts as slow. */
const SLOW_MS = 1_000;
/** Milliseconds until it is looked again whether the replica is heard. */
const UNHEARD_MS = 1_000;

export interface DeliveryParts {
  readonly held: Pick<Held, "record" | "acknowledge" | "failed" | "release">;
  readonly cursorAfter: (
    position: Position,
    sink: EventSink,
  ) => Pick<EventCursor, "position" | "start" | "end">;
  readonly post: (url: string, headers: Record<string, string>, body: Buffer) => Promise<Posted>;
  /** `whsec_…` that sign at that time, newest first. */
  readonly secrets: (now: number) => readonly string[];
  /** Requests at once: of endpoints that answer soon, and of those that fail or are slow, which wait for each other. */
  readonly lanes: { readonly prompt: Slots; readonly slow: Slots };
  readonly budget: QueueBudget;
  /** False: another replica may have taken over. */
  readonly mayDeliver: () => boolean;
  /** ms since 1970 UTC. */
  readonly now: () => number;
  /** Resolves after that many milliseconds, or when the signal aborts. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** When to try again; default: {@link nextAttempt}. */
  readonly schedule?: typeof nextAttempt;
  /** Told of each attempt, with the events in it. */
  readonly onAttempt: (outcome: Posted["kind"], events: number) => void;
  readonly onError: (error: Error) => void;
  /** The endpoint is not to be asked any more, until a person says so. */
  readonly onGivenUp: (reason: string) => void;
}

/**
 * One webhook: its events go to the endpoint in the log's order, one request after the other. What is refused is
 * sent again on the schedule, with the same id, and what comes after it waits.
 */
export class Delivery implements EventSink {
  /** As it stands now. */
  webhook: WebhookSubscription;
  private readonly queue: Queue;
  private cursor: ReturnType<DeliveryParts["cursorAfter"]> | undefined;
  private caught = false;
  private tookMs = 0;
  private running: Promise<void> | undefined;
  private wake: () => void = () => undefined;
  private readonly ending = new AbortController();

  constructor(
    webhook: WebhookSubscription,
    private readonly parts: DeliveryParts,
  ) {
    this.webhook = webhook;
    this.queue = new Queue(parts.budget);
  }

  get isFailing(): boolean {
    return this.parts.held.record.failures > 0;
  }

  start(): void {
    const { held, now, schedule = nextAttempt } = this.parts;
    const { failures, position } = held.record;
    // It had been given up, and somebody enabled it again.
    if (failures > 0 && schedule(failures, now()) === undefined) held.acknowledge(position, 0);
    this.running = this.run();
  }

  hasRoom(): boolean {
    // What was tried together is gathered together, whatever the others have in memory.
    return this.queue.hasRoom(this.parts.held.record.attempted !== undefined);
  }

  async roomed(ms?: number): Promise<boolean> {
    return await this.queue.roomed(() => this.hasRoom() || this.cursor === undefined, ms);
  }

  deliver(event: LoggedEvent): void {
    this.queue.push(event);
    this.wake();
  }

  caughtUp(): void {
    this.caught = true;
    this.wake();
  }

  /** To be called now and then: what was not for it counts as delivered. */
  tick(): void {
    const { held } = this.parts;
    if (this.queue.length > 0 || this.isFailing || this.cursor === undefined) return;
    held.acknowledge(this.cursor.position, 0);
  }

  /** Sends nothing more; a request that is under way is waited for, but not for long. Raises nothing. */
  async end(): Promise<void> {
    this.ending.abort();
    this.wake();
    await Promise.race([this.running, sleepFor(END_MS, undefined, { ref: false })]);
    this.tick();
    this.letGo();
    await this.parts.held.release();
  }

  private async run(): Promise<void> {
    const { signal } = this.ending;
    while (!signal.aborted) {
      await this.pause();
      if (signal.aborted) return;
      this.open();
      await this.gathered();
      await this.inLane();
    }
  }

  /** Until the time of the next attempt, which may have been set before this process began. */
  private async pause(): Promise<void> {
    const { held, now } = this.parts;
    const left = (held.record.nextAttemptAt ?? 0) - now();
    if (left <= 0) return;
    if (left > KEEP_MS) this.letGo();
    await this.sleep(left);
  }

  private async sleep(ms: number): Promise<void> {
    const { sleep = sleepUnlessAborted } = this.parts;
    await sleep(ms, this.ending.signal);
  }

  private open(): void {
    if (this.cursor !== undefined) return;
    this.caught = false;
    this.cursor = this.parts.cursorAfter(this.parts.held.record.position, this);
    this.cursor.start();
  }

  /** Nothing is in memory until {@link open} begins again after what was delivered. */
  private letGo(): void {
    this.cursor?.end();
    this.cursor = undefined;
    this.queue.clear();
  }

  /** Until there is something to send; after a failure, all that was in that request. */
  private async gathered(): Promise<void> {
    while (!this.ending.signal.aborted && !this.isWhole()) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  private isWhole(): boolean {
    const { last } = this.queue;
    const { attempted } = this.parts.held.record;
    if (last === undefined) return false;
    return attempted === undefined || last.position >= attempted || this.caught || !this.hasRoom();
  }

  private async inLane(): Promise<void> {
    const { lanes, mayDeliver } = this.parts;
    const isTrouble = this.isFailing || this.tookMs > SLOW_MS;
    const leave = await (isTrouble ? lanes.slow : lanes.prompt).acquire();
    try {
      if (this.ending.signal.aborted) return;
      if (mayDeliver()) await this.attempt();
      else await this.sleep(UNHEARD_MS);
    } finally {
      leave();
    }
  }

  private async attempt(): Promise<void> {
    const { held, now, onAttempt } = this.parts;
    const events = requestOf(this.queue.events, this.webhook.batch, held.record.attempted);
    const began = now();
    const posted = await this.send(events).catch((error: Error) => this.unforeseen(error));
    this.tookMs = now() - began;
    onAttempt(posted.kind, events.length);
    const { position } = events.at(-1) as LoggedEvent;
    if (posted.kind !== "delivered") return this.refused(posted, position);
    this.queue.drop(events.length);
    held.acknowledge(position, events.length);
  }

  private async send(events: readonly LoggedEvent[]): Promise<Posted> {
    const { post, now, secrets } = this.parts;
    const { id, body, contentType } = messageOf(this.webhook, events);
    const signature = signatureHeaders(id, now(), body, secrets(now()).map(secretBytes));
    const headers = { "content-type": contentType, "user-agent": "Fieldlog", ...signature };
    const traceParents = events.flatMap(({ signal }) => signal.traceParent || []);
    const attributes = { "fieldlog.way": "webhook", "fieldlog.events": events.length };
    return await spanOverMany("deliver", traceParents, attributes, (traceparent) =>
      post(this.webhook.url, { ...headers, ...(traceparent && { traceparent }) }, body),
    );
  }

  private unforeseen(error: Error): Posted {
    this.parts.onError(error);
    return { kind: "failed", reason: "internal error", retryAfterS: 0 };
  }

  private refused(posted: Exclude<Posted, { kind: "delivered" }>, attempted: Position): void {
    const { held, now, onGivenUp, schedule = nextAttempt } = this.parts;
    const isGone = posted.kind === "gone";
    const error = isGone ? "answered 410" : posted.reason;
    const failures = held.record.failures + 1;
    const at = isGone ? undefined : schedule(failures, now(), posted.retryAfterS);
    held.failed({ error, nextAttemptAt: at ?? now(), attempted });
    if (at !== undefined) return;
    this.ending.abort();
    onGivenUp(
      isGone
        ? "the endpoint answered 410: it wants no more"
        : `${failures} attempts failed, the last one: ${error}`,
    );
  }
}

function sleepUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  return sleepFor(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
