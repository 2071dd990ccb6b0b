import { setTimeout as sleep } from "node:timers/promises";
import { type Known, type KnownKey, LoadsExceeded } from "@fieldlog/admission";
import { type AggregateId, limits } from "@fieldlog/contracts";
import { RpcError } from "@fieldlog/rpc";
import { Problem } from "../problem.js";

/** With what a reader was let in. */
export interface Credential {
  readonly key: KnownKey;
  /** Its name in caches. */
  readonly hash: string;
}

/** Why a reader is ended before it ends by itself. */
export type EndReason = "stopping" | "revoked" | "removed";

/** Somebody who is being answered for longer than a request takes. */
export interface OpenReader {
  readonly credential: Credential;
  /** Of a durable subscription: its namespace's id and its own. */
  readonly subscription: { readonly namespace: string; readonly id: string } | undefined;
  end(reason: EndReason): void;
  /** Once a second. */
  tick(now: number): void;
}

const TICK_MS = 1_000;

/**
 * All that read events for longer than a request takes: their number is bounded; who may no longer read is ended
 * within a second, and so is whose subscription is removed.
 */
export class OpenReaders {
  private readonly all = new Set<OpenReader>();
  private timer: NodeJS.Timeout | undefined;
  private stopping = false;
  private onEmpty: () => void = () => undefined;

  constructor(
    private readonly known: Pick<Known, "keys">,
    private readonly now: () => number,
  ) {}

  get size(): number {
    return this.all.size;
  }

  start(): void {
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** Before a reader is let in. Raises Problem 503. */
  checkRoom(): void {
    if (this.stopping) throw new Problem(503, "The server is shutting down.", { retryAfterS: 1 });
    if (this.all.size >= limits.eventStreams) {
      throw new Problem(503, "There are too many streams already.", { retryAfterS: 10 });
    }
  }

  add(reader: OpenReader): void {
    this.all.add(reader);
    if (this.stopping) reader.end("stopping");
  }

  delete(reader: OpenReader): void {
    this.all.delete(reader);
    if (this.all.size === 0) this.onEmpty();
  }

  /** A key was changed: what was known of it is forgotten already. */
  decided({ kind, id }: AggregateId): void {
    if (kind !== "api-key") return;
    for (const reader of this.all) if (reader.credential.key.id === id) void this.recheck(reader);
  }

  removed(subscription: { readonly namespace: string; readonly id: string }): void {
    for (const reader of this.all) {
      const { namespace, id } = reader.subscription ?? {};
      if (id === subscription.id && namespace === subscription.namespace) reader.end("removed");
    }
  }

  /** Ends all; resolves when they have told that they are gone, or after `ms`. */
  async stop(ms: number): Promise<void> {
    this.stopping = true;
    for (const reader of this.all) reader.end("stopping");
    const { promise: emptied, resolve } = Promise.withResolvers<void>();
    this.onEmpty = resolve;
    if (this.all.size > 0) await Promise.race([emptied, sleep(ms, undefined, { ref: false })]);
    clearInterval(this.timer);
  }

  private tick(): void {
    const now = this.now();
    for (const reader of this.all) {
      const { expiresAt } = reader.credential.key;
      if (expiresAt !== undefined && expiresAt <= now) reader.end("revoked");
      else reader.tick(now);
    }
  }

  private async recheck(reader: OpenReader): Promise<void> {
    if (!(await this.isGood(reader.credential))) reader.end("revoked");
  }

  /** What cannot be found out counts as good. */
  private async isGood({ hash }: Credential): Promise<boolean> {
    try {
      return (await this.known.keys.get(hash)) !== undefined;
    } catch (error) {
      if (error instanceof RpcError || error instanceof LoadsExceeded) return true;
      throw error;
    }
  }
}
