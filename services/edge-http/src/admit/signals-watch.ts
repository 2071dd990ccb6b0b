import { deviceKey, Tail } from "@fieldlog/admission";
import { namespaceOfSignals, positionOf, SIGNALS } from "@fieldlog/contracts";
import type { Commit, EventLog } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import type { ReplayGuard } from "./replay-guard.js";
import { type Skimmed, skimBatch } from "./skim.js";

export interface SignalsWatchOptions {
  readonly log: Pick<EventLog, "read" | "newest">;
  readonly guard: ReplayGuard;
  readonly logger: Pick<Logger, "info" | "warn" | "error">;
  /** Milliseconds that a message's date may differ from the clock. */
  readonly windowMs: number;
  readonly now: () => number;
  /** Told of each other signal that came in a signed request. */
  readonly onSigned?: (namespace: string, signal: Skimmed, position: number) => void;
}

/** Milliseconds after which an edge is called ready though it has not read the whole window yet. */
const WARM_MS = 60_000;
/** Commits of this edge's own that it remembers until it meets them in the log. */
const OWN_COMMITS = 65_536;
/** An identity as signed messages have it: `<message id>/<date>`. */
const MESSAGE_ID = /^(\d{1,10})\//;

/**
 * Teaches the replay guard what was taken lately, by this edge before it was started and by all others.
 * Reads SIGNALS from the past window on: a message may be dated ahead by the window, and be good for as
 * long after, so two of them. What this edge commits itself the guard knows already.
 */
export class SignalsWatch {
  private readonly own = new Set<number>();
  private readonly tail: Tail;
  private warmTo = 0;
  private warmBy = Number.POSITIVE_INFINITY;
  private started = false;

  constructor(private readonly options: SignalsWatchOptions) {
    const { log, logger } = options;
    this.tail = new Tail({ log, stream: SIGNALS, logger, take: (commit) => this.take(commit) });
  }

  async start(): Promise<void> {
    const { log, windowMs, now, logger } = this.options;
    const newest = await log.newest(SIGNALS);
    const from = now() - 2 * windowMs;
    // Nothing that recent: nothing to wait for.
    this.warmTo = newest.time.getTime() < from ? 0 : newest.sequence;
    this.warmBy = now() + WARM_MS;
    this.started = true;
    if (this.warmTo === 0) this.tail.start({ after: newest.sequence });
    else this.tail.start({ startTime: new Date(from) });
    logger.info({ from: new Date(from), to: this.warmTo }, "learning recent message ids from the log");
  }

  stop(): Promise<void> {
    return this.tail.stop();
  }

  /** Why messages that other edges took might not be known yet; undefined: they are. */
  notReady(): string | undefined {
    if (!this.started) return "not started";
    const behind = this.warmTo - this.tail.sequence;
    if (behind <= 0 || this.options.now() > this.warmBy) return undefined;
    return `learning recent message ids from the log: ${behind} commits to go`;
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
    skimBatch(commit.data, (signal) => this.learn(namespace, signal, positionOf(commit.sequence, index++)));
  }

  private learn(namespace: string, signal: Skimmed, position: number): void {
    const { device, identity, digest, sentAt } = signal;
    const { guard, now, onSigned } = this.options;
    const id = MESSAGE_ID.exec(identity)?.[1];
    if (id === undefined) {
      // What was not signed has no digest.
      if (identity !== "" && (digest.high !== 0 || digest.low !== 0)) onSigned?.(namespace, signal, position);
      return;
    }
    guard.learn(deviceKey(namespace, device), Number(id), digest, sentAt, now());
  }
}
