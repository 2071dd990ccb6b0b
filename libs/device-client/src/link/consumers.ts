import { setTimeout as sleep } from "node:timers/promises";
import { ClientClosed } from "../errors.js";
import type { Received } from "../store/inbox.js";
import type { Store } from "../store/store.js";
import { BackOff, type BackOffTimes } from "./back-off.js";

/** Who deals with what was received. */
export interface Consumer {
  readonly takes: (topic: string) => boolean;
  /**
   * Deals with it. What it returns is done in the transaction that takes the message out. If it rejects it is asked again,
   * later.
   */
  readonly handle: (message: Received) => Promise<(() => void) | undefined>;
}

/** Hands each message in the inbox to the first consumer that takes it, one after another of each consumer. */
export class Consumers {
  private readonly running = new Map<Consumer, { wake: () => void; stop: AbortController }>();

  constructor(
    private readonly store: Store,
    private readonly times: BackOffTimes,
    private readonly failed: (error: unknown) => void,
    private readonly taken: () => void,
  ) {}

  /** Returns how it is taken away again; then what it would have taken waits for another. */
  add(consumer: Consumer): () => void {
    const entry = { wake: () => {}, stop: new AbortController() };
    this.running.set(consumer, entry);
    this.run(consumer, entry).catch((error) => {
      if (!entry.stop.signal.aborted) this.failed(error);
    });
    return () => {
      this.running.delete(consumer);
      entry.stop.abort(new ClientClosed());
      entry.wake();
    };
  }

  wake(): void {
    for (const { wake } of this.running.values()) wake();
  }

  close(): void {
    for (const { stop, wake } of this.running.values()) {
      stop.abort(new ClientClosed());
      wake();
    }
    this.running.clear();
  }

  private async run(consumer: Consumer, entry: { wake: () => void; stop: AbortController }): Promise<void> {
    const { signal } = entry.stop;
    const backOff = new BackOff(this.times);
    let afterId = 0;
    while (!signal.aborted) {
      const message = this.store.inbox.next(afterId);
      if (message === undefined) {
        await new Promise<void>((resolve) => {
          entry.wake = resolve;
        });
      } else if (!this.isFor(consumer, message.topic)) afterId = message.id;
      else if (await this.handled(consumer, message, signal)) {
        backOff.reset();
        afterId = message.id;
      } else await sleep(backOff.next(), undefined, { signal });
    }
  }

  private isFor(consumer: Consumer, topic: string): boolean {
    for (const one of this.running.keys()) if (one.takes(topic)) return one === consumer;
    return false;
  }

  private async handled(consumer: Consumer, message: Received, signal: AbortSignal): Promise<boolean> {
    try {
      const then = await consumer.handle(message);
      if (signal.aborted) return false;
      await this.store.write(() => {
        this.store.inbox.remove(message);
        then?.();
      });
      this.taken();
      return true;
    } catch (error) {
      if (!signal.aborted) this.failed(error);
      return false;
    }
  }
}
