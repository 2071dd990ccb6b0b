import { randomBytes } from "node:crypto";
import type { Aggregates } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import type { CursorRecords } from "@fieldlog/fan-out";
import { TooManySubscriptions, UnknownSubscription } from "../decisions/refusals.js";
import {
  active,
  checkNew,
  createSubscription,
  enableSubscription,
  type NewSubscription,
  removeSubscription,
  rotateSecret,
  type Subscription,
  subscription,
} from "../decisions/subscription.js";
import type { Row } from "./namespace-rows.js";
import { newSecret, type Secrets } from "./secrets.js";
import type { SubscriptionTable } from "./table.js";

const ID_BYTES = 8;
/** Milliseconds that a secret may sign after another took its place. */
const LONGEST_PREVIOUS_MS = 30 * 86_400_000;

export interface SubscriptionsParts {
  readonly aggregates: Aggregates;
  readonly table: SubscriptionTable;
  readonly records: Pick<CursorRecords, "remove">;
  readonly secrets: Secrets;
  /** Of a webhook's URL, once it is known to be one. Raises an Error that says why it is refused. */
  readonly checkEndpoint?: (url: string) => void;
  /** ms since 1970 UTC. */
  readonly now?: () => number;
}

/** Creates, finds, changes and removes subscriptions. Raises the refusals of its decisions, and what Aggregates raises. */
export class Subscriptions {
  /** How many are being created just now, by namespace and by owner. */
  private readonly underway = new Map<string, number>();

  constructor(private readonly parts: SubscriptionsParts) {
    // Of a namespace that was cleared too. What this misses is a record of a few bytes that nobody asks for.
    parts.table.onChange((namespace, id, row) => {
      if (row === undefined) void parts.records.remove(namespace, id).catch(() => undefined);
    });
  }

  /** Under a new random id. The secret of a webhook is in the answer and nowhere else. */
  async create(
    namespace: string,
    asked: NewSubscription,
    decidedBy: string,
  ): Promise<{ created: Row; secret: string | undefined }> {
    checkNew(asked);
    if (asked.webhook) this.checkEndpoint(asked.webhook.url);
    await this.parts.table.upToDate();
    const leave = this.enter(namespace, asked.owner);
    try {
      return await this.begin(namespace, asked, decidedBy);
    } finally {
      leave();
    }
  }

  /** As of the newest decision in the log. */
  async get(namespace: string, id: string): Promise<Row> {
    const { state, sequence } = await this.parts.aggregates.current(subscription, { namespace, id });
    return { namespace, id, state: active(state), sequence };
  }

  /** By id, as of the newest decision in the log. */
  async list(namespace: string, { owner, after, limit }: { owner: string; after: string; limit: number }) {
    await this.parts.table.upToDate();
    return this.parts.table.rowsOf(namespace).page(owner, after, limit);
  }

  /** Whoever reads it loses it. Asked again, finishes what was begun. Returns the sequence. */
  async remove(namespace: string, id: string, decidedBy: string): Promise<number> {
    const sequence = await this.decide(namespace, id, removeSubscription, decidedBy);
    await this.parts.records.remove(namespace, id);
    return sequence;
  }

  async enable(namespace: string, id: string, decidedBy: string): Promise<number> {
    return await this.decide(namespace, id, enableSubscription, decidedBy);
  }

  /** @param keepPreviousMs for which the secret before signs as well */
  async rotateSecret(
    namespace: string,
    id: string,
    keepPreviousMs: number,
    decidedBy: string,
  ): Promise<{ secret: string; sequence: number }> {
    if (!(keepPreviousMs >= 0 && keepPreviousMs <= LONGEST_PREVIOUS_MS)) {
      throw new InvalidField("keep_previous_ms", `is not within 0 and ${LONGEST_PREVIOUS_MS}`);
    }
    const secret = newSecret();
    const sealed = this.parts.secrets.seal(secret, namespace, id);
    const decide = rotateSecret(sealed, this.now() + keepPreviousMs);
    return { secret, sequence: await this.decide(namespace, id, decide, decidedBy) };
  }

  private checkEndpoint(url: string): void {
    try {
      this.parts.checkEndpoint?.(url);
    } catch (error) {
      throw new InvalidField("webhook.url", `is refused: ${(error as Error).message}`);
    }
  }

  private now(): number {
    return (this.parts.now ?? Date.now)();
  }

  private async decide(
    namespace: string,
    id: string,
    decide: Parameters<typeof this.parts.aggregates.transact<Subscription, undefined>>[2],
    decidedBy: string,
  ): Promise<number> {
    const { aggregates, table } = this.parts;
    const { snapshot } = await aggregates.transact(subscription, { namespace, id }, decide, decidedBy);
    await table.reached(snapshot.sequence);
    return snapshot.sequence;
  }

  private async begin(namespace: string, asked: NewSubscription, decidedBy: string) {
    const { aggregates, table, secrets } = this.parts;
    for (;;) {
      const id = randomBytes(ID_BYTES).toString("hex");
      const secret = asked.webhook && newSecret();
      const sealed = secret === undefined ? undefined : secrets.seal(secret, namespace, id);
      const decide = createSubscription(asked, sealed);
      const begun = await aggregates.begin(subscription, { namespace, id }, decide, decidedBy);
      // Of 2^64 ids one is taken that was given before: once in a very long time.
      if (begun === undefined) continue;
      if (begun.state.phase !== "active") throw new UnknownSubscription();
      await table.reached(begun.sequence);
      return { created: { namespace, id, state: begun.state, sequence: begun.sequence }, secret };
    }
  }

  /** Counts one more; of those of other replicas at the same moment a few may pass. Returns what ends it. */
  private enter(namespace: string, owner: string): () => void {
    const keys = [namespace, JSON.stringify([namespace, owner])] as const;
    const [underwayHere, underwayOwn] = keys.map((key) => this.underway.get(key) ?? 0) as [number, number];
    const rows = this.parts.table.rowsOf(namespace);
    if (rows.size + underwayHere >= limits.subscriptionsPerNamespace) {
      throw new TooManySubscriptions("namespace", limits.subscriptionsPerNamespace);
    }
    if (rows.countOf(owner) + underwayOwn >= limits.subscriptionsPerOwner) {
      throw new TooManySubscriptions("owner", limits.subscriptionsPerOwner);
    }
    this.add(keys, 1);
    return () => this.add(keys, -1);
  }

  private add(keys: readonly string[], change: number): void {
    for (const key of keys) {
      const count = (this.underway.get(key) ?? 0) + change;
      if (count > 0) this.underway.set(key, count);
      else this.underway.delete(key);
    }
  }
}
