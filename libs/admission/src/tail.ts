import { setTimeout as sleep } from "node:timers/promises";
import type { StreamName } from "@fieldlog/contracts";
import { type Commit, type EventLog, LogGap } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";

export interface TailOptions {
  readonly log: Pick<EventLog, "read">;
  readonly stream: StreamName;
  readonly logger: Pick<Logger, "warn" | "error">;
  /** Gets every commit once, in order. What it throws is logged, and the commit passed over. */
  readonly take: (commit: Commit) => void;
  /** Told that commits are really missing from the stream, as when a namespace was cleared. */
  readonly onGap?: (gap: LogGap) => void;
}

const PAUSE_MS = 500;

/** Follows a stream for ever, from where it left off whatever happens. */
export class Tail {
  /** The newest sequence that was taken. */
  sequence = 0;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;

  constructor(private readonly options: TailOptions) {}

  start(from: { after: number } | { startTime: Date }): void {
    if ("after" in from) this.sequence = from.after;
    this.running = this.run("after" in from ? from : { after: 0, ...from });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(from: { after: number; startTime?: Date }): Promise<void> {
    const { log, stream, logger } = this.options;
    const { signal } = this.stopping;
    let position = from;
    while (!signal.aborted) {
      try {
        for await (const commits of log.read(stream, { ...position, signal })) {
          for (const commit of commits) this.take(commit);
          position = { after: this.sequence };
        }
      } catch (error) {
        if (error instanceof LogGap) {
          // Either commits were removed before `actual`, or the log now ends there.
          this.sequence = error.actual >= error.expected ? error.actual - 1 : error.actual;
          position = { after: this.sequence };
          logger.warn({ err: error, stream }, "passing over a gap");
          this.options.onGap?.(error);
        } else logger.error({ err: error, stream }, "reading the log failed; trying again");
      }
      if (!signal.aborted) await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private take(commit: Commit): void {
    try {
      this.options.take(commit);
    } catch (err) {
      const { stream, sequence } = commit;
      this.options.logger.error({ err, stream, sequence }, "passed over a commit that cannot be read");
    }
    this.sequence = commit.sequence;
  }
}
