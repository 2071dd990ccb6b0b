import { Tail } from "@fieldlog/admission";
import { namespaceOfSignals, positionOf, type SignalsStream } from "@fieldlog/contracts";
import type { Commit, EventLog } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import { type Skimmed, skimBatch } from "./skim.js";

export interface StreamWatchOptions {
  readonly log: Pick<EventLog, "read" | "newest">;
  readonly stream: SignalsStream;
  readonly logger: Pick<Logger, "warn" | "error">;
  readonly learn: (namespace: string, signal: Skimmed, position: number) => void;
}

/** Commits of this edge's own that it remembers until it meets them in the log. */
const OWN_COMMITS = 65_536;

/** Shows what others commit to one shard's stream. */
export class StreamWatch {
  private readonly own = new Set<number>();
  private readonly tail: Tail;
  private warmTo = 0;

  constructor(private readonly options: StreamWatchOptions) {
    const { log, stream, logger } = options;
    this.tail = new Tail({ log, stream, logger, take: (commit) => this.take(commit) });
  }

  async start(from: Date): Promise<void> {
    const { log, stream } = this.options;
    const newest = await log.newest(stream);
    // Nothing that recent: nothing to wait for.
    this.warmTo = newest.time < from ? 0 : newest.sequence;
    if (this.warmTo === 0) this.tail.start({ after: newest.sequence });
    else this.tail.start({ startTime: from });
  }

  stop(): Promise<void> {
    return this.tail.stop();
  }

  /** Commits to read of those that were there at the start. */
  get behind(): number {
    return Math.max(0, this.warmTo - this.tail.sequence);
  }

  /** This edge made the commit. */
  noteOwn(sequence: number): void {
    if (sequence <= this.tail.sequence || this.own.has(sequence)) return;
    this.own.add(sequence);
    if (this.own.size > OWN_COMMITS) {
      for (const oldest of this.own) {
        this.own.delete(oldest);
        break;
      }
    }
  }

  private take(commit: Commit): void {
    if (this.own.delete(commit.sequence)) return;
    const namespace = namespaceOfSignals(commit.subject);
    let index = 0;
    skimBatch(commit.data, (signal) => {
      this.options.learn(namespace, signal, positionOf(commit.sequence, index++));
    });
  }
}
