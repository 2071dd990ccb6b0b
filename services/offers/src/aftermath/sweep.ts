import type { Id } from "@fieldlog/aggregates";
import type { Logger } from "@fieldlog/runtime";
import type { Requests } from "../service/requests.js";
import type { Uploads } from "../service/uploads.js";
import type { Rows } from "../table/rows.js";

/** Milliseconds between two looks for what has expired. */
const SWEEP_MS = 1_000;

export interface SweepParts {
  readonly rows: Pick<Rows, "overdueRequests" | "overdueUploads">;
  readonly requests: Pick<Requests, "expire">;
  readonly uploads: Pick<Uploads, "lapse">;
  readonly logger: Pick<Logger, "debug">;
  readonly now: () => number;
}

/** Ends requests and uploads whose time is over. Every replica does: of two that decide on one, the second has nothing to decide. */
export class Sweep {
  private readonly ending = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(private readonly parts: SweepParts) {}

  start(): void {
    this.timer = setTimeout(() => {
      this.running = this.once().finally(() => {
        if (!this.ending.signal.aborted) this.start();
      });
    }, SWEEP_MS);
  }

  async stop(): Promise<void> {
    this.ending.abort();
    clearTimeout(this.timer);
    await this.running;
  }

  /** Whatever does not answer is asked again at the next look. */
  async once(): Promise<void> {
    const { rows, requests, uploads, logger, now } = this.parts;
    try {
      await this.each(await rows.overdueRequests(now()), ({ namespace, id }) =>
        requests.expire(namespace, id),
      );
      await this.each(await rows.overdueUploads(now()), (id) => uploads.lapse(id));
    } catch (err) {
      logger.debug({ err }, "what has expired waits for the next look");
    }
  }

  private async each(ids: readonly Id[], end: (id: Id) => Promise<void>): Promise<void> {
    for (const id of ids) {
      if (this.ending.signal.aborted) return;
      await end(id);
    }
  }
}
