import { setImmediate as breathe, setTimeout as sleep } from "node:timers/promises";
import {
  namespaceOfSignals,
  REGISTRY,
  SIGNALS,
  type StreamName,
  shardOf,
  streamOfShard,
} from "@fieldlog/contracts";
import { type Commit, clearedBy, type EventLog } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import type { Machine } from "../core/machine.js";
import { type Decided, decidedIn } from "../log/decisions.js";
import { factsIn } from "../log/facts.js";
import type { Stored } from "../table/stored.js";

/** Which of the logs that it follows: that of facts, of its shard, or that of decisions. */
export type FollowedLog = typeof SIGNALS | typeof REGISTRY;

export interface TableParts {
  /** Whose devices it has. */
  readonly shard: number;
  readonly log: Pick<EventLog, "read" | "lastSequence">;
  /** Empty. */
  readonly machine: () => Machine;
  /** Fills it with what was stored. */
  readonly load: (machine: Machine, signal: AbortSignal) => Promise<Stored>;
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
}

const PAUSE_MS = 500;
/** Milliseconds of reading after which other work gets its turn. */
const BREATHE_MS = 10;

/**
 * All devices of a shard in memory: filled from what was stored, then with what both logs say behind that; following them from
 * then on. Every replica has it, so that any answers, and any can take over at once.
 */
export class LiveTable {
  private current: Machine;
  private readonly reached: Record<FollowedLog, number> = { [SIGNALS]: 0, [REGISTRY]: 0 };
  private readonly streams: Readonly<Record<FollowedLog, StreamName>>;
  private readonly waiting = new Set<() => void>();
  private readonly listeners = new Set<() => void>();
  private readonly stopping = new AbortController();
  private round = new AbortController();
  private running: Promise<void> | undefined;
  private filled = false;
  /** Ids by name. */
  private namespaces = new Map<string, string>();

  constructor(private readonly parts: TableParts) {
    this.current = parts.machine();
    this.streams = { [SIGNALS]: streamOfShard(parts.shard), [REGISTRY]: REGISTRY };
  }

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.round.abort();
    await this.running;
  }

  /** Another one after it was filled anew. */
  get machine(): Machine {
    return this.current;
  }

  /** The last sequence that is in it. */
  sequence(which: FollowedLog): number {
    return this.reached[which];
  }

  /** Why it cannot be asked; undefined: it can. */
  notReady(): string | undefined {
    return this.filled ? undefined : "not caught up with the log yet";
  }

  /** Told after something was taken in. */
  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** Gives up what it came to by the clock, which only the one that tells of it may do. */
  refill(): void {
    this.round.abort();
  }

  /** Whether it has everything up to that sequence, within the milliseconds. */
  async has(which: FollowedLog, sequence: number, timeoutMs: number): Promise<boolean> {
    const has = () => this.filled && this.reached[which] >= sequence;
    if (has()) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const look = () => {
      if (has()) resolve(true);
    };
    const timer = setTimeout(() => resolve(false), timeoutMs);
    this.waiting.add(look);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.waiting.delete(look);
    }
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      this.round = new AbortController();
      const { signal } = this.round;
      try {
        await this.fill(signal);
        await this.followBoth(signal);
      } catch (err) {
        if (!signal.aborted) this.parts.logger.warn({ err }, "reading anew which devices there are");
      }
      this.filled = false;
      await sleep(PAUSE_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  private async fill(signal: AbortSignal): Promise<void> {
    const { machine, load, log, logger } = this.parts;
    const begun = performance.now();
    // Never two of them at once.
    this.current = machine();
    const { signals, registry, namespaces } = await load(this.current, signal);
    this.namespaces = namespaces;
    this.reached[SIGNALS] = signals;
    this.reached[REGISTRY] = registry;
    // What is decided first: by which rule a device was silent for too long must be known when it is heard again.
    for (const which of [REGISTRY, SIGNALS] as const) {
      const stream = this.streams[which];
      const until = await log.lastSequence(stream);
      const after = this.reached[which];
      if (until <= after) continue;
      for await (const commits of log.read(stream, { after, until, signal })) await this.take(which, commits);
      signal.throwIfAborted();
    }
    this.filled = true;
    const ms = Math.round(performance.now() - begun);
    logger.info({ devices: this.current.slots.size, ms }, "knows all devices");
    this.tell();
  }

  /** Ends when both have ended: what one has begun to take in would go into the next machine. */
  private async followBoth(signal: AbortSignal): Promise<void> {
    const both = [this.follow(SIGNALS, signal), this.follow(REGISTRY, signal)];
    try {
      await Promise.all(both);
    } finally {
      this.round.abort();
      await Promise.allSettled(both);
    }
  }

  private async follow(which: FollowedLog, signal: AbortSignal): Promise<void> {
    const { log } = this.parts;
    for await (const commits of log.read(this.streams[which], { after: this.reached[which], signal })) {
      if (signal.aborted) return;
      await this.take(which, commits);
      this.tell();
    }
  }

  private async take(which: FollowedLog, commits: readonly Commit[]): Promise<void> {
    let since = performance.now();
    for (const commit of commits) {
      try {
        this.takeOne(commit);
      } catch (err) {
        const { stream, sequence } = commit;
        this.parts.logger.error({ err, stream, sequence }, "passed over what cannot be read");
      }
      this.reached[which] = commit.sequence;
      if (performance.now() - since < BREATHE_MS) continue;
      await breathe();
      since = performance.now();
    }
  }

  private takeOne(commit: Commit): void {
    const cleared = clearedBy(commit);
    const { current: machine } = this;
    if (commit.stream !== REGISTRY) {
      if (cleared === undefined) this.reported(commit);
      else machine.forget(cleared.namespace, cleared.device);
    } else if (cleared === undefined) this.decided(decidedIn(commit));
    else if (cleared.device === undefined) machine.unregisterAll(cleared.namespace);
    else machine.remove(cleared.namespace, cleared.device);
  }

  private reported(commit: Commit): void {
    const namespace = namespaceOfSignals(commit.subject);
    const { current: machine } = this;
    for (const fact of factsIn(commit)) {
      if (fact.kind === "sign") machine.heard(namespace, fact.device, fact.sign, fact.isHeartbeat);
      else machine.told(namespace, fact.device, fact.phase, fact.because, fact.at);
    }
  }

  private decided(decided: Decided | undefined): void {
    const { current: machine } = this;
    if (decided?.kind === "device") {
      const { namespace, device, change } = decided;
      if (shardOf(namespace) !== this.parts.shard) return;
      if (change.before === "removed") machine.remove(namespace, device);
      else if (change.before === "registered") machine.register(namespace, device, change.traits);
      else machine.change(namespace, device, change.traits);
    } else if (decided !== undefined) {
      for (const change of decided.changes) {
        if ("id" in change) this.namespaces.set(decided.name, change.id);
        else machine.set(this.namespaces.get(decided.name) ?? "", change.settings);
      }
    }
  }

  private tell(): void {
    for (const look of [...this.waiting]) look();
    for (const listener of this.listeners) listener();
  }
}
