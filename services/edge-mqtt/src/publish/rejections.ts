import { encodeSignal } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import { LRUCache } from "lru-cache";

/** A publish that was refused. */
export interface Rejected {
  /** Id. */
  readonly namespace: string;
  /** In whose log it is written: a device, or `key:<id>`. */
  readonly device: string;
  readonly topic: string;
  readonly reason: string;
}

export interface RejectionsOptions {
  readonly log: Pick<EventLog, "signals">;
  readonly logger: Pick<Logger, "warn">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

const MINUTE = 60_000;
/** Devices of which it is known how many were written lately. */
const DEVICES = 10_000;
/** Different reasons of one device that are counted in a minute. */
const REASONS = 16;
const TOPIC_LENGTH = 256;

interface Recent {
  readonly since: number;
  written: number;
  /** Counted but not written, by topic and reason. */
  readonly waiting: Map<string, { rejected: Rejected; count: number }>;
}

/**
 * Writes refused publishes to their devices' logs: so many of a device in a minute, the rest as a count
 * when the minute is over. What the log does not take is reported in this process's own log.
 */
export class Rejections {
  private readonly recent = new LRUCache<string, Recent>({
    max: DEVICES,
    dispose: (recent) => this.write(recent),
  });
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: RejectionsOptions) {}

  start(): void {
    this.timer = setInterval(() => this.flush(), MINUTE / 4);
    this.timer.unref();
  }

  /** Writes what is counted. */
  stop(): void {
    clearInterval(this.timer);
    this.recent.clear();
  }

  note(given: Rejected, now: number): void {
    // A copy: of a slice the whole topic would be kept.
    const topic = Buffer.from(given.topic.slice(0, TOPIC_LENGTH)).toString();
    const rejected = { ...given, topic };
    const name = `${rejected.namespace}/${rejected.device}`;
    let recent = this.recent.get(name);
    if (recent === undefined || recent.since + MINUTE <= now) {
      // Setting it anew disposes of the old one, which writes what that counted.
      recent = { since: now, written: 0, waiting: new Map() };
      this.recent.set(name, recent);
    }
    if (recent.written < limits.rejectionsPerMinute) {
      recent.written++;
      this.append(rejected, 1);
    } else count(recent, rejected);
  }

  private flush(): void {
    const now = this.options.now();
    for (const [name, { since }] of this.recent.entries()) {
      if (since + MINUTE <= now) this.recent.delete(name);
    }
  }

  private write({ waiting }: Recent): void {
    for (const { rejected, count } of waiting.values()) this.append(rejected, count);
    waiting.clear();
  }

  private append({ namespace, device, topic, reason }: Rejected, count: number): void {
    const now = this.options.now();
    const value = { topic, reason, count };
    const signal = encodeSignal({
      ...{ device, identity: "", digest: undefined, receivedAt: now, occurredAt: now, sentAt: undefined },
      ...{ location: undefined, traceParent: "", publication: undefined },
      body: { case: "rejection", value },
    });
    this.options.log.signals.append(namespace, signal).catch((err: unknown) => {
      this.options.logger.warn({ err, namespace, device, reason, count }, "could not log a rejection");
    });
  }
}

function count({ waiting }: Recent, rejected: Rejected): void {
  const key = `${rejected.reason}\n${rejected.topic}`;
  const known = waiting.get(key);
  if (known !== undefined) known.count++;
  else if (waiting.size < REASONS) waiting.set(key, { rejected, count: 1 });
  else {
    // Too many to tell apart: counted with the first of them.
    const [first] = waiting.values();
    if (first !== undefined) first.count++;
  }
}
