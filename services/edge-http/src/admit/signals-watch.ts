import { deviceKey } from "@fieldlog/admission";
import { signalsStream } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import type { ReplayGuard } from "./replay-guard.js";
import type { Skimmed } from "./skim.js";
import { StreamWatch } from "./stream-watch.js";

export interface SignalsWatchOptions {
  readonly log: Pick<EventLog, "read" | "newest" | "signalsStreams">;
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
/** An identity as signed messages have it: `<message id>/<date>`. */
const MESSAGE_ID = /^(\d{1,10})\//;

/**
 * Teaches the replay guard what was taken lately, by this edge before it was started and by all others.
 * Reads all signals from the past window on: a message may be dated ahead by the window, and be good for as
 * long after, so two of them. What this edge commits itself the guard knows already.
 */
export class SignalsWatch {
  private readonly streams: ReadonlyMap<string, StreamWatch>;
  private warmBy = Number.POSITIVE_INFINITY;
  private started = false;

  constructor(private readonly options: SignalsWatchOptions) {
    const { log, logger } = options;
    const learn = this.learn.bind(this);
    this.streams = new Map(
      log.signalsStreams.map((stream) => [stream, new StreamWatch({ log, stream, logger, learn })]),
    );
  }

  async start(): Promise<void> {
    const { windowMs, now, logger } = this.options;
    const from = new Date(now() - 2 * windowMs);
    await Promise.all([...this.streams.values()].map((stream) => stream.start(from)));
    this.warmBy = now() + WARM_MS;
    this.started = true;
    logger.info({ from, commits: this.behind() }, "learning recent message ids from the log");
  }

  async stop(): Promise<void> {
    await Promise.all([...this.streams.values()].map((stream) => stream.stop()));
  }

  /** Why messages that other edges took might not be known yet; undefined: they are. */
  notReady(): string | undefined {
    if (!this.started) return "not started";
    const behind = this.behind();
    if (behind <= 0 || this.options.now() > this.warmBy) return undefined;
    return `learning recent message ids from the log: ${behind} commits to go`;
  }

  /** This edge made the commit. */
  noteOwn(namespace: string, sequence: number): void {
    this.streams.get(signalsStream(namespace))?.noteOwn(sequence);
  }

  private behind(): number {
    return [...this.streams.values()].reduce((sum, { behind }) => sum + behind, 0);
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
