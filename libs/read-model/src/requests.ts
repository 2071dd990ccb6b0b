import { setTimeout as delay } from "node:timers/promises";
import { type Kysely, sql } from "kysely";
import type { Bookkeeping } from "./bookkeeping.js";

/** Milliseconds between two looks at what operators asked for. */
export const REQUESTS_EVERY_MS = 1_000;
const ANSWER_EVERY_MS = 50;

export type RequestKind = "rebuild" | "retry" | "drop";

export interface Request {
  readonly id: number;
  readonly kind: RequestKind;
  readonly namespace: string;
  readonly key: string;
}

export interface RequestOutcome {
  /** Records applied or dropped. */
  readonly done: number;
  readonly remaining: number;
  /** Why it could not be done. */
  readonly error?: string;
}

/** It is not done yet, but it is kept and will be: nobody is active, or it takes long. */
export class RequestPending extends Error {
  override readonly name = "RequestPending";
  constructor(readonly kind: RequestKind) {
    super(`the ${kind} has not been done yet; it will be`);
  }
}

/** The active replica could not do it. */
export class RequestFailed extends Error {
  override readonly name = "RequestFailed";
  constructor(
    readonly kind: RequestKind,
    readonly reason: string,
  ) {
    super(`the ${kind} failed: ${reason}`);
  }
}

/** What operators ask of a read model, on any replica, for the active one to do. */
export class Requests {
  constructor(
    private readonly db: Kysely<Bookkeeping>,
    private readonly model: string,
  ) {}

  async add(kind: RequestKind, namespace = "", key = ""): Promise<number> {
    await this.db
      .deleteFrom("requests")
      .where("finished_at", "<", sql<Date>`now() - interval '1 day'`)
      .execute();
    const { id } = await this.db
      .insertInto("requests")
      .values({ read_model: this.model, kind, namespace, key })
      .returning("id")
      .executeTakeFirstOrThrow();
    return id;
  }

  /** Undefined: not done within the time, but it will be. */
  async outcome(id: number, timeoutMs: number): Promise<RequestOutcome | undefined> {
    const until = performance.now() + timeoutMs;
    do {
      const row = await this.db
        .selectFrom("requests")
        .select(["finished_at", "done", "remaining", "error"])
        .where("id", "=", id)
        .executeTakeFirst();
      if (row?.finished_at) {
        return {
          done: row.done,
          remaining: row.remaining,
          ...(row.error === null ? {} : { error: row.error }),
        };
      }
      await delay(ANSWER_EVERY_MS);
    } while (performance.now() < until);
    return undefined;
  }

  async open(): Promise<Request[]> {
    return await this.db
      .selectFrom("requests")
      .select(["id", "kind", "namespace", "key"])
      .where("read_model", "=", this.model)
      .where("finished_at", "is", null)
      .orderBy("id")
      .execute();
  }

  async finish(id: number, outcome: RequestOutcome): Promise<void> {
    const { done, remaining, error = null } = outcome;
    await this.db
      .updateTable("requests")
      .set({ finished_at: sql<Date>`now()`, done, remaining, error })
      .where("id", "=", id)
      .execute();
  }
}
