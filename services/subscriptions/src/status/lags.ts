import { type Position, sequenceOf, signalsStream, signalsSubject } from "@fieldlog/contracts";
import type { EventLog } from "@fieldlog/event-log";
import { LRUCache } from "lru-cache";
import { eachOf } from "./each-of.js";
import { RecentEvents } from "./recent-events.js";

/** What a subscriber has not received yet. */
export interface Lag {
  /** Of the namespace, after its position; at most 10,000 are counted. */
  readonly events: number;
  /** Age of the first of them. */
  readonly seconds: number;
}

/** Namespaces whose newest events are remembered. */
const NAMESPACES = 64;
/** Milliseconds for which a look into the log is good. */
const GOOD_MS = 2_000;
const AT_ONCE = 32;

interface Look {
  readonly recent: RecentEvents;
  oldest: number;
  at: number;
  done: Promise<void>;
}

/**
 * How far subscribers are behind. The newest events of a namespace are read from the log once for all of its
 * subscriptions; whoever is further behind is told apart from the others only by the age of what comes next.
 */
export class Lags {
  private readonly looks = new LRUCache<string, Look>({ max: NAMESPACES });

  constructor(
    private readonly log: Pick<EventLog, "read" | "lastSequence" | "timeAfter">,
    private readonly now: () => number,
  ) {}

  /** In the order of the positions. Raises LogUnavailable. */
  async of(namespace: string, positions: readonly Position[]): Promise<Lag[]> {
    if (positions.length === 0) return [];
    const recent = await this.look(namespace, sequenceOf(positions.reduce((a, b) => Math.min(a, b)) + 1) - 1);
    const ages = new Map<number, Promise<number>>();
    return await eachOf(positions, AT_ONCE, async (position) => {
      const { events, firstAt } = recent.after(position);
      if (events === 0) return { events, seconds: 0 };
      if (firstAt !== undefined) return { events, seconds: this.since(firstAt) };
      const sequence = sequenceOf(position + 1) - 1;
      const age = ages.get(sequence) ?? this.ageAfter(namespace, sequence);
      ages.set(sequence, age);
      return { events, seconds: await age };
    });
  }

  /** As the log was at most {@link GOOD_MS} ago. */
  private async look(namespace: string, oldest: number): Promise<RecentEvents> {
    const look = this.looks.get(namespace) ?? {
      ...{ recent: new RecentEvents(this.log, namespace), done: Promise.resolve() },
      ...{ oldest: Number.POSITIVE_INFINITY, at: 0 },
    };
    this.looks.set(namespace, look);
    if (look.oldest > oldest || this.now() - look.at >= GOOD_MS) {
      look.oldest = oldest;
      look.at = this.now();
      look.done = look.done.catch(() => undefined).then(() => this.refresh(namespace, look.recent, oldest));
      look.done.catch(() => this.looks.delete(namespace));
    }
    await look.done;
    return look.recent;
  }

  private async refresh(namespace: string, recent: RecentEvents, oldest: number): Promise<void> {
    await recent.look(await this.log.lastSequence(signalsStream(namespace)), Math.max(0, oldest));
  }

  private async ageAfter(namespace: string, sequence: number): Promise<number> {
    const stream = signalsStream(namespace);
    const time = await this.log.timeAfter(stream, Math.max(0, sequence), signalsSubject(namespace));
    return time === undefined ? 0 : this.since(time.getTime());
  }

  private since(ms: number): number {
    return Math.max(0, this.now() - ms) / 1_000;
  }
}
