import { setTimeout as sleep } from "node:timers/promises";
import type { AggregateId } from "@fieldlog/contracts";
import { RpcError } from "@fieldlog/rpc";
import { deviceKey, type Known, type KnownKey, type KnownSubscription } from "./known.js";
import { LoadsExceeded } from "./load-cache.js";

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

/** Whether a key that may read the namespace may read this subscription of it: its own, or any with permission write. */
export function mayRead(key: KnownKey, { owner }: Pick<KnownSubscription, "owner">): boolean {
  return key.permission !== "read" || owner === `key:${key.id}`;
}

const TICK_MS = 50;
/** Ticks in which each reader has its turn once: thousands at once would keep all others waiting. */
const TICKS = 20;

/**
 * All that read events for longer than a request takes: their number is bounded; who may no longer read is ended
 * within a second, and so is whose subscription is removed.
 */
export class OpenReaders {
  private readonly all = new Set<OpenReader>();
  private timer: NodeJS.Timeout | undefined;
  private ticks = 0;
  /** Those whose turn comes yet. */
  private turn = this.all.values();
  private stopping = false;
  private onEmpty: () => void = () => undefined;

  constructor(
    private readonly known: Pick<Known, "keys" | "subscriptions">,
    private readonly now: () => number,
    /** How many there may be at once. */
    private readonly most: number,
  ) {}

  get size(): number {
    return this.all.size;
  }

  start(): void {
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** Whether one more may be let in. */
  room(): "yes" | "full" | "stopping" {
    if (this.stopping) return "stopping";
    return this.all.size < this.most ? "yes" : "full";
  }

  add(reader: OpenReader): void {
    this.all.add(reader);
    if (this.stopping) reader.end("stopping");
    // What was decided since it was let in has been heard without it.
    void this.recheck(reader);
  }

  delete(reader: OpenReader): void {
    this.all.delete(reader);
    if (this.all.size === 0) this.onEmpty();
  }

  /** What was known of it is forgotten already. */
  decided({ namespace, kind, id }: AggregateId): void {
    if (kind !== "api-key" && kind !== "subscription" && kind !== "clearing") return;
    for (const reader of this.all) {
      const { credential, subscription } = reader;
      const isKey = kind === "api-key" && credential.key.id === id;
      const isSubscription =
        kind === "subscription" && subscription?.id === id && subscription.namespace === namespace;
      const isCleared = kind === "clearing" && subscription?.namespace === namespace;
      if (isKey || isSubscription || isCleared) void this.recheck(reader);
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
    const tick = this.ticks++ % TICKS;
    if (tick === 0) this.turn = this.all.values();
    // Others may have gone meanwhile, so the last takes what is left.
    const share = tick === TICKS - 1 ? this.all.size : Math.ceil(this.all.size / TICKS);
    for (let left = share; left > 0; left--) {
      const { value: reader, done } = this.turn.next();
      if (done) return;
      const { expiresAt } = reader.credential.key;
      if (expiresAt !== undefined && expiresAt <= now) reader.end("revoked");
      else reader.tick(now);
    }
  }

  /** What cannot be found out counts as good. */
  private async recheck(reader: OpenReader): Promise<void> {
    const { credential, subscription } = reader;
    try {
      if ((await this.known.keys.get(credential.hash)) === undefined) reader.end("revoked");
      if (subscription === undefined) return;
      const name = deviceKey(subscription.namespace, subscription.id);
      if ((await this.known.subscriptions.get(name)) === undefined) reader.end("removed");
    } catch (error) {
      if (!(error instanceof RpcError || error instanceof LoadsExceeded)) throw error;
    }
  }
}
