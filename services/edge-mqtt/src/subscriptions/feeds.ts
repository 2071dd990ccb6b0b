import { Feed, type FeedOptions, type WindowBytes } from "./feed.js";

/** Milliseconds for which a feed goes on without anybody who follows it: most come back. */
const LINGER_MS = 5_000;

interface Held {
  readonly feed: Feed;
  followers: number;
  leaving: NodeJS.Timeout | undefined;
}

/** The feeds of an edge: one per namespace with subscribers. */
export class Feeds {
  private readonly windows: WindowBytes = { held: 0 };
  private readonly held = new Map<string, Held>();

  constructor(private readonly parts: Pick<FeedOptions, "log" | "logger">) {}

  get size(): number {
    return this.held.size;
  }

  /** Bytes of recent commits in memory. */
  get windowBytes(): number {
    return this.windows.held;
  }

  /** To be given back with {@link release}. */
  acquire(namespace: string): Feed {
    let held = this.held.get(namespace);
    if (held === undefined) {
      const feed = new Feed({ ...this.parts, namespace, windows: this.windows });
      held = { feed, followers: 0, leaving: undefined };
      this.held.set(namespace, held);
    }
    clearTimeout(held.leaving);
    held.followers++;
    return held.feed;
  }

  release(namespace: string): void {
    const held = this.held.get(namespace);
    if (held === undefined || --held.followers > 0) return;
    held.leaving = setTimeout(() => {
      this.held.delete(namespace);
      void held.feed.stop();
    }, LINGER_MS).unref();
  }

  async stop(): Promise<void> {
    const all = [...this.held.values()];
    this.held.clear();
    for (const { leaving } of all) clearTimeout(leaving);
    await Promise.all(all.map(({ feed }) => feed.stop()));
  }
}
