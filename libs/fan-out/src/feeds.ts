import { ErasedDevices } from "./erased-devices.js";
import { Feed, type FeedOptions, type WindowBytes } from "./feed.js";
import type { Kind, Message, ReadCommit, Subscribed } from "./kind.js";

/** Milliseconds for which a feed goes on without anybody who follows it: most come back. */
const LINGER_MS = 5_000;

interface Held<M extends Message, C extends ReadCommit<M>, S extends Subscribed> {
  readonly feed: Feed<M, C, S>;
  followers: number;
  leaving: NodeJS.Timeout | undefined;
}

/** The feeds of an edge: one per namespace with subscribers. */
export class Feeds<M extends Message, C extends ReadCommit<M>, S extends Subscribed> {
  private readonly windows: WindowBytes = { held: 0 };
  private readonly held = new Map<string, Held<M, C, S>>();

  /** Whose signals are shown to nobody. */
  readonly erased: ErasedDevices;

  constructor(private readonly parts: Pick<FeedOptions<M, C, S>, "kind" | "log" | "logger">) {
    this.erased = new ErasedDevices(parts);
  }

  get kind(): Kind<M, C, S> {
    return this.parts.kind;
  }

  get size(): number {
    return this.held.size;
  }

  /** Bytes of recent commits in memory. */
  get windowBytes(): number {
    return this.windows.held;
  }

  /** To be given back with {@link release}. */
  acquire(namespace: string): Feed<M, C, S> {
    let held = this.held.get(namespace);
    if (held === undefined) {
      const feed = new Feed<M, C, S>({
        ...this.parts,
        namespace,
        windows: this.windows,
        erased: this.erased,
      });
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
    await Promise.all([this.erased.stop(), ...all.map(({ feed }) => feed.stop())]);
  }
}
