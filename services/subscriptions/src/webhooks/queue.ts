import { limits } from "@fieldlog/contracts";
import type { LoggedEvent } from "@fieldlog/events";

/** Events of one webhook that wait for their request, and bytes of memory for them. */
const EVENTS = 2 * limits.webhookBatch;
const BYTES = 1024 * 1024;
/** Bytes of memory for all webhooks of a replica. */
const ALL_BYTES = 64 * 1024 * 1024;
/** Milliseconds until a queue that others left no room looks again. */
const LOOK_MS = 250;

/** What the queues of a replica hold together, in bytes. */
export class QueueBudget {
  held = 0;
  constructor(private readonly most: number = ALL_BYTES) {}

  get hasRoom(): boolean {
    return this.held < this.most;
  }
}

/** What waits for one endpoint, in the log's order. */
export class Queue {
  readonly events: LoggedEvent[] = [];
  private bytes = 0;
  private readonly waiting = new Set<() => void>();

  constructor(private readonly budget: QueueBudget) {}

  get length(): number {
    return this.events.length;
  }

  get last(): LoggedEvent | undefined {
    return this.events.at(-1);
  }

  /** @param alone whatever the other queues hold */
  hasRoom(alone: boolean): boolean {
    return this.events.length < EVENTS && this.bytes < BYTES && (alone || this.budget.hasRoom);
  }

  push(event: LoggedEvent): void {
    this.events.push(event);
    this.count(event.bytes);
  }

  /** Takes away the first ones. */
  drop(count: number): void {
    for (const { bytes } of this.events.splice(0, count)) this.count(-bytes);
    for (const look of [...this.waiting]) look();
  }

  clear(): void {
    this.drop(this.events.length);
  }

  /** Resolves to true once the condition holds, which is looked at as often as needed; to false after `ms`. */
  async roomed(holds: () => boolean, ms = Number.POSITIVE_INFINITY): Promise<boolean> {
    const end = performance.now() + ms;
    while (!holds()) {
      const left = end - performance.now();
      if (left <= 0) return false;
      await this.changed(Math.min(left, LOOK_MS));
    }
    return true;
  }

  private async changed(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = () => {
        clearTimeout(timer);
        this.waiting.delete(look);
        resolve();
      };
      const timer = setTimeout(look, ms);
      this.waiting.add(look);
    });
  }

  private count(bytes: number): void {
    this.bytes += bytes;
    this.budget.held += bytes;
  }
}
