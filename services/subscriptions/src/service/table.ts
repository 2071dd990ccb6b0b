import { setTimeout as sleep } from "node:timers/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { type Id, SnapshotsUnavailable } from "@fieldlog/aggregates";
import {
  aggregateOf,
  CLEARING,
  limits,
  REGISTRY,
  registry,
  registryOfKind,
  registrySubject,
} from "@fieldlog/contracts";
import { fold, type Snapshot } from "@fieldlog/decider";
import { type Commit, clearedBy, type EventLog, LogGap } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import { type Subscription, subscription } from "../decisions/subscription.js";
import { EndedKeys } from "./ended-keys.js";
import { NamespaceRows, type Row } from "./namespace-rows.js";

/** undefined: it was removed. */
export type ChangeListener = (namespace: string, id: string, row: Row | undefined) => void;

export interface TableParts {
  readonly log: Pick<EventLog, "read" | "lastSequence">;
  readonly logger: Pick<Logger, "warn" | "error">;
}

const KIND = "subscription";
const KEYS = "api-key";
const PAUSE_MS = 500;

/**
 * All subscriptions of the installation in memory, and which API keys are good no more, as REGISTRY tells them: filled
 * from the decisions on these alone, then following every decision, so that it can be told how far it is.
 */
export class SubscriptionTable {
  readonly endedKeys = new EndedKeys();
  private readonly namespaces = new Map<string, NamespaceRows>();
  private readonly listeners: ChangeListener[] = [];
  private readonly waiting = new Set<() => void>();
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  /** Everything in REGISTRY up to here is in it, once it is filled. */
  private sequence = 0;
  private filled = false;

  constructor(private readonly parts: TableParts) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  notReady(): string | undefined {
    return this.filled ? undefined : "not filled yet";
  }

  /** Told of each change after it is in the table, and of each row once the table is filled. */
  onChange(listener: ChangeListener): void {
    this.listeners.push(listener);
  }

  get(namespace: string, id: string): Row | undefined {
    return this.namespaces.get(namespace)?.get(id);
  }

  /** For decisions to start from. */
  async load<State>(_: unknown, { namespace, id }: Id): Promise<Snapshot<State> | undefined> {
    return this.get(namespace, id) as Snapshot<State> | undefined;
  }

  rowsOf(namespace: string): NamespaceRows {
    return this.namespaces.get(namespace) ?? new NamespaceRows();
  }

  *all(): Generator<Row, void> {
    for (const rows of this.namespaces.values()) yield* rows.all();
  }

  /** Resolves once all is in it that is in the log by now. Raises LogUnavailable, SnapshotsUnavailable (after 2 s). */
  async upToDate(): Promise<void> {
    const sequence = await this.parts.log.lastSequence(REGISTRY);
    if (!(await this.reached(sequence))) throw new SnapshotsUnavailable();
  }

  /** Whether it had the decision at that sequence within 2 s. */
  async reached(sequence: number): Promise<boolean> {
    if (this.has(sequence)) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const look = () => {
      if (this.has(sequence)) resolve(true);
    };
    const timer = setTimeout(() => resolve(false), limits.readYourWritesMs);
    this.waiting.add(look);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.waiting.delete(look);
    }
  }

  private has(sequence: number): boolean {
    return this.filled && this.sequence >= sequence;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        if (!this.filled) await this.fill();
        await this.follow();
      } catch (error) {
        this.failed(error);
      }
      if (!signal.aborted) await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** What is missing from the log, as when it was restored from a backup, is filled anew. */
  private failed(error: unknown): void {
    const { logger } = this.parts;
    if (error instanceof LogGap) {
      this.filled = false;
      logger.warn({ err: error }, "the log of decisions has a gap; reading subscriptions anew");
    } else logger.error({ err: error }, "reading subscriptions failed; trying again");
  }

  private async fill(): Promise<void> {
    const { log } = this.parts;
    const { signal } = this.stopping;
    const until = await log.lastSequence(REGISTRY);
    const former = [...this.all()];
    this.namespaces.clear();
    this.endedKeys.clear();
    if (until > 0) {
      for (const subject of [registryOfKind(KEYS), registryOfKind(KIND)]) {
        for await (const commits of log.read(REGISTRY, { after: 0, until, subject, signal })) {
          for (const commit of commits) this.take(commit);
        }
      }
      await this.leaveOutCleared(until);
    }
    if (signal.aborted) return;
    for (const { namespace, id } of former) if (!this.get(namespace, id)) this.tell(namespace, id);
    for (const { namespace, id } of [...this.all()]) this.tell(namespace, id);
    this.sequence = until;
    this.filled = true;
    this.wake();
  }

  /** What a clearing that was broken off has not removed from the log. */
  private async leaveOutCleared(until: number): Promise<void> {
    const { signal } = this.stopping;
    const subject = registrySubject(CLEARING);
    for await (const commits of this.parts.log.read(REGISTRY, { after: 0, until, subject, signal })) {
      for (const commit of commits) {
        const cleared = clearedBy(commit);
        if (cleared === undefined || cleared.device !== undefined) continue;
        const rows = this.rowsOf(cleared.namespace);
        for (const { id, sequence } of [...rows.all()]) if (sequence < commit.sequence) rows.delete(id);
        if (rows.size === 0) this.namespaces.delete(cleared.namespace);
      }
    }
  }

  private async follow(): Promise<void> {
    const { signal } = this.stopping;
    for await (const commits of this.parts.log.read(REGISTRY, { after: this.sequence, signal })) {
      for (const commit of commits) {
        const cleared = clearedBy(commit);
        if (cleared !== undefined && cleared.device === undefined) this.clear(cleared.namespace);
        const { kind, namespace, id } = aggregateOf(commit.subject);
        if (kind === KIND || kind === KEYS) this.take(commit);
        if (kind === KIND) this.tell(namespace, id);
      }
      this.sequence = commits.at(-1)?.sequence ?? this.sequence;
      this.wake();
    }
  }

  private clear(namespace: string): void {
    const ids = [...this.rowsOf(namespace).all()].map(({ id }) => id);
    this.namespaces.delete(namespace);
    for (const id of ids) this.tell(namespace, id);
  }

  private take({ subject, sequence, data }: Commit): void {
    const { kind, namespace, id } = aggregateOf(subject);
    try {
      const decision = fromBinary(registry.DecisionSchema, data);
      if (kind === KEYS) this.endedKeys.take({ namespace, id }, sequence, decision);
      else this.takeOwn({ namespace, id }, sequence, decision);
    } catch (err) {
      this.parts.logger.error({ err, sequence }, "passed over a decision that cannot be read");
    }
  }

  private takeOwn({ namespace, id }: Id, sequence: number, decision: registry.Decision): void {
    const before: Snapshot<Subscription> = this.get(namespace, id) ?? {
      state: { phase: "none" },
      sequence: 0,
    };
    const { state } = fold(subscription, before, sequence, decision);
    this.put(namespace, id, state, sequence);
  }

  private put(namespace: string, id: string, state: Subscription, sequence: number): void {
    const rows = this.namespaces.get(namespace) ?? new NamespaceRows();
    if (state.phase === "active") rows.set({ namespace, id, state, sequence });
    else rows.delete(id);
    if (rows.size > 0) this.namespaces.set(namespace, rows);
    else this.namespaces.delete(namespace);
  }

  private tell(namespace: string, id: string): void {
    const row = this.get(namespace, id);
    for (const listener of this.listeners) listener(namespace, id, row);
  }

  private wake(): void {
    for (const look of [...this.waiting]) look();
  }
}
