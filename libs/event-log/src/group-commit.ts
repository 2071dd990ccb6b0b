import { limits, type Position, positionOf } from "@fieldlog/contracts";
import { encodeBatch, lengthInBatch } from "./batch.js";
import { QueueFull, SignalTooLarge } from "./errors.js";

/** What goes into the log at once. */
export interface Batch {
  readonly namespace: string;
  /** An encoded `SignalBatch`. */
  readonly data: Uint8Array;
  /** Signals in it, 1 to 4096. */
  readonly count: number;
  /** W3C traceparents of the traced requests whose signals are in it. */
  readonly traceParents: readonly string[];
}

/** Stores one batch durably and returns its sequence; rejects if it cannot be known to be stored. */
export type Commit = (batch: Batch) => Promise<number>;

export interface GroupCommitOptions {
  readonly maxSignals: number;
  readonly maxBytes: number;
  readonly maxQueuedSignals: number;
  readonly maxQueuedBytes: number;
  readonly onCommit?: (outcome: CommitOutcome) => void;
}

export interface CommitOutcome {
  readonly count: number;
  readonly bytes: number;
  readonly durationMs: number;
  readonly ok: boolean;
}

const defaults: GroupCommitOptions = {
  maxSignals: limits.signalsPerCommit,
  maxBytes: limits.commitBytes,
  maxQueuedSignals: limits.queuedSignalsPerNamespace,
  maxQueuedBytes: limits.queuedBytesPerNamespace,
};

/**
 * Group commit: while one commit of a namespace is in flight, what arrives waits; when it is
 * acknowledged, all that waits becomes the next commit, bounded by count and bytes. No timer delays
 * anything: a commit begins at the end of a turn of the event loop, so that signals which came in with the
 * same read of the sockets share it.
 */
export class GroupCommit {
  private readonly queues = new Map<string, Queue>();
  private readonly options: GroupCommitOptions;

  constructor(
    private readonly commit: Commit,
    options: Partial<GroupCommitOptions> = {},
  ) {
    this.options = { ...defaults, ...options };
  }

  /**
   * Resolves with the signal's position once it is stored durably.
   *
   * @param signal an encoded `Signal`, at most {@link limits.signalBytes} bytes; must not be changed after
   * @param traceParent of the request that brought it, if that request is traced
   * @throws SignalTooLarge, QueueFull, or what the commit rejected with: then it is not known to be stored
   */
  append(namespace: string, signal: Uint8Array, traceParent?: string): Promise<Position> {
    if (signal.length > limits.signalBytes) {
      return Promise.reject(new SignalTooLarge(signal.length, limits.signalBytes));
    }
    let queue = this.queues.get(namespace);
    if (queue === undefined) {
      queue = new Queue();
      this.queues.set(namespace, queue);
    }
    const { maxQueuedSignals, maxQueuedBytes } = this.options;
    if (queue.waiting.length >= maxQueuedSignals || queue.bytes + signal.length > maxQueuedBytes) {
      return Promise.reject(new QueueFull(namespace, queue.waiting.length, queue.bytes));
    }
    const own = queue;
    return new Promise((resolve, reject) => {
      own.waiting.push({ signal, traceParent, resolve, reject });
      own.bytes += signal.length;
      if (!own.busy) {
        own.busy = true;
        setImmediate(() => this.drain(namespace, own));
      }
    });
  }

  /** Signals that wait or are in flight, over all namespaces. */
  get pending(): number {
    let total = 0;
    for (const queue of this.queues.values()) total += queue.waiting.length + queue.inFlight;
    return total;
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.pending > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  private async drain(namespace: string, queue: Queue): Promise<void> {
    while (queue.waiting.length > 0) {
      const taken = this.take(queue);
      const started = performance.now();
      const data = encodeBatch(taken.map((entry) => entry.signal));
      const traceParents = taken.flatMap((entry) => entry.traceParent ?? []);
      queue.inFlight = taken.length;
      let ok = true;
      try {
        const sequence = await this.commit({ namespace, data, count: taken.length, traceParents });
        for (let i = 0; i < taken.length; i++) taken[i]?.resolve(positionOf(sequence, i));
      } catch (error) {
        ok = false;
        for (const entry of taken) entry.reject(error);
        // What waited behind it has waited as long; let its senders know now rather than one time-out later.
        for (const entry of queue.takeAll()) entry.reject(error);
      } finally {
        queue.inFlight = 0;
      }
      const durationMs = performance.now() - started;
      this.options.onCommit?.({ count: taken.length, bytes: data.length, durationMs, ok });
      // What the sockets hold already comes along: a commit costs the same for many signals as for few.
      await new Promise((resolve) => setImmediate(resolve));
    }
    queue.busy = false;
    this.queues.delete(namespace);
  }

  private take(queue: Queue): Entry[] {
    const { maxSignals, maxBytes } = this.options;
    let count = 0;
    let bytes = 0;
    let batchBytes = 0;
    for (const entry of queue.waiting) {
      const length = lengthInBatch(entry.signal);
      if (count === maxSignals || (count > 0 && batchBytes + length > maxBytes)) break;
      count++;
      bytes += entry.signal.length;
      batchBytes += length;
    }
    if (count === queue.waiting.length) return queue.takeAll();
    queue.bytes -= bytes;
    return queue.waiting.splice(0, count);
  }
}

interface Entry {
  readonly signal: Uint8Array;
  readonly traceParent: string | undefined;
  readonly resolve: (position: Position) => void;
  readonly reject: (error: unknown) => void;
}

class Queue {
  waiting: Entry[] = [];
  bytes = 0;
  inFlight = 0;
  busy = false;

  takeAll(): Entry[] {
    const all = this.waiting;
    this.waiting = [];
    this.bytes = 0;
    return all;
  }
}
