import { setTimeout as sleep } from "node:timers/promises";
import { limits, type Position } from "@fieldlog/contracts";
import type { LoggedEvent } from "@fieldlog/events";
import type { EventCursor, EventSink, Held } from "@fieldlog/fan-out";
import type { Posted } from "./post.js";
import { nextAttempt } from "./schedule.js";
import { signatureHeaders } from "./signature.js";
import type { WebhookSubscription } from "./types.js";

/** Events, and bytes of memory for them, that wait for their request. */
const QUEUE_EVENTS = 2 * limits.webhookBatch;
const QUEUE_BYTES = 4 * 1024 * 1024;
/** Bytes of memory in one request, beyond which it takes no further event. */
const REQUEST_BYTES = 1024 * 1024;
/** Milliseconds that a request under way has when the delivery ends. */
const END_MS = 5_000;

export interface DeliveryParts {
  readonly held: Pick<Held, "record" | "acknowledge" | "failed" | "release">;
  readonly post: (url: string, headers: Record<string, string>, body: Buffer) => Promise<Posted>;
  /** ms since 1970 UTC. */
  readonly now: () => number;
  /** Told of each attempt, with the events in it. */
  readonly onAttempt: (outcome: Posted["kind"], events: number) => void;
  /** When to try again; default: {@link nextAttempt}. */
  readonly schedule?: typeof nextAttempt;
  /** The endpoint is not to be asked any more, until a person says so. */
  readonly onGivenUp: (reason: string) => void;
}

/**
 * One webhook: its events go to the endpoint in the log's order, one request after the other. What is refused is
 * sent again on the schedule, with the same id, and what comes after it waits.
 */
export class Delivery implements EventSink {
  /** As it stands now; the secrets may change. */
  webhook: WebhookSubscription;
  private readonly queue: LoggedEvent[] = [];
  private bytes = 0;
  private cursor: EventCursor | undefined;
  /** What the endpoint has not taken yet: the same events at every attempt. */
  private current: readonly LoggedEvent[] = [];
  private running: Promise<void> | undefined;
  private readonly ending = new AbortController();
  private readonly waiting = new Set<() => void>();

  constructor(
    webhook: WebhookSubscription,
    private readonly parts: DeliveryParts,
  ) {
    this.webhook = webhook;
  }

  begin(cursor: EventCursor): void {
    const { held, now, schedule = nextAttempt } = this.parts;
    this.cursor = cursor;
    // It had been given up, and somebody enabled it again.
    const { failures, position } = held.record;
    if (failures > 0 && schedule(failures, now()) === undefined) held.acknowledge(position, 0);
    cursor.start();
  }

  hasRoom(): boolean {
    return this.queue.length < QUEUE_EVENTS && this.bytes < QUEUE_BYTES;
  }

  async roomed(ms?: number): Promise<boolean> {
    if (this.hasRoom() || this.ending.signal.aborted) return true;
    return await new Promise((resolve) => {
      const settle = (room: boolean) => {
        clearTimeout(timer);
        this.waiting.delete(roomed);
        resolve(room);
      };
      const roomed = () => settle(true);
      const timer = ms === undefined ? undefined : setTimeout(settle, ms, false);
      this.waiting.add(roomed);
    });
  }

  deliver(event: LoggedEvent): void {
    this.queue.push(event);
    this.bytes += event.bytes;
    this.running ??= this.run();
  }

  /** Once a second: what was not for it counts as delivered. */
  tick(): void {
    if (this.queue.length > 0 || this.cursor === undefined) return;
    this.parts.held.acknowledge(this.cursor.position, 0);
  }

  /** Sends nothing more; a request that is under way is waited for, but not for long. */
  async end(): Promise<void> {
    this.ending.abort();
    this.cursor?.end();
    for (const roomed of [...this.waiting]) roomed();
    await Promise.race([this.running, sleep(END_MS, undefined, { ref: false })]);
    await this.parts.held.release();
  }

  private async run(): Promise<void> {
    const { signal } = this.ending;
    while (this.queue.length > 0 && !signal.aborted) {
      await this.pause(signal);
      if (!signal.aborted) await this.attempt();
    }
    this.running = undefined;
  }

  /** Until the time of the next attempt, which may have been set before this process began. */
  private async pause(signal: AbortSignal): Promise<void> {
    const { held, now } = this.parts;
    const left = (held.record.nextAttemptAt ?? 0) - now();
    if (left > 0) await sleep(left, undefined, { signal, ref: false }).catch(() => undefined);
  }

  private async attempt(): Promise<void> {
    const { held, onAttempt } = this.parts;
    if (this.current.length === 0) this.current = this.next();
    const events = this.current;
    const posted = await this.send(events).catch(unforeseen);
    onAttempt(posted.kind, events.length);
    if (posted.kind !== "delivered") return this.refused(posted);
    this.queue.splice(0, events.length);
    this.current = [];
    for (const { bytes } of events) this.bytes -= bytes;
    held.acknowledge(events.at(-1)?.position as Position, events.length);
    for (const roomed of [...this.waiting]) roomed();
  }

  private async send(events: readonly LoggedEvent[]): Promise<Posted> {
    const { post, now } = this.parts;
    const { webhook } = this;
    const { body, contentType, id } = messageOf(webhook, events);
    const signature = signatureHeaders(id, now(), body, webhook.secrets(now()));
    const headers = { "content-type": contentType, "user-agent": "Fieldlog", ...signature };
    return await post(webhook.url, headers, body);
  }

  private next(): LoggedEvent[] {
    const most = Math.max(1, Math.min(this.webhook.batch, limits.webhookBatch));
    let bytes = 0;
    const events: LoggedEvent[] = [];
    for (const event of this.queue) {
      if (events.length === most || (events.length > 0 && bytes + event.bytes > REQUEST_BYTES)) break;
      events.push(event);
      bytes += event.bytes;
    }
    return events;
  }

  private refused(posted: Exclude<Posted, { kind: "delivered" }>): void {
    const { held, now, onGivenUp, schedule = nextAttempt } = this.parts;
    const reason = posted.kind === "gone" ? "answered 410" : posted.reason;
    const failures = held.record.failures + 1;
    const retryAfterS = posted.kind === "gone" ? 0 : posted.retryAfterS;
    const at = posted.kind === "gone" ? undefined : schedule(failures, now(), retryAfterS);
    held.failed(reason, at ?? now());
    if (at !== undefined) return;
    this.ending.abort();
    onGivenUp(
      posted.kind === "gone"
        ? "the endpoint answered 410: it wants no more"
        : `${failures} attempts failed, the last one: ${reason}`,
    );
  }
}

function unforeseen(error: Error): Posted {
  return { kind: "failed", reason: error.message, retryAfterS: 0 };
}

/** The same events make the same message, with the same id, at every attempt. */
function messageOf({ id, batch }: WebhookSubscription, events: readonly LoggedEvent[]) {
  const [first] = events as [LoggedEvent];
  if (batch === 0) {
    return {
      ...{ id: `${id}_${first.position}`, body: first.json() },
      contentType: "application/cloudevents+json",
    };
  }
  const list = events.flatMap((event, i) => [Buffer.from(i === 0 ? "[" : ","), event.json()]);
  return {
    id: `${id}_${first.position}_${events.length}`,
    body: Buffer.concat([...list, Buffer.from("]")]),
    contentType: "application/cloudevents-batch+json",
  };
}
