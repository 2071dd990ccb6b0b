import type { EventLog } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import type { PublishedKind } from "./published.js";
import {
  GROUP_PREFIX,
  groupName,
  type Member,
  openGroup,
  SharedFeed,
  type SharedName,
} from "./shared-feed.js";
import type { Subscription } from "./subscription.js";

/** The shared subscriptions with members that are connected to this edge. */
export class SharedFeeds {
  private readonly feeds = new Map<string, SharedFeed>();
  private idle: ReadonlySet<string> = new Set();

  constructor(
    private readonly log: Pick<EventLog, "group" | "idleGroups" | "deleteGroup" | "signalsStreams">,
    private readonly kind: Pick<PublishedKind, "read">,
    private readonly logger: Pick<Logger, "warn" | "error">,
  ) {}

  get size(): number {
    return this.feeds.size;
  }

  /** After which the subscription has its place in the log, whoever joins. Raises LogUnavailable. */
  async open(name: SharedName, after: number): Promise<void> {
    await openGroup(this.log, name, after);
  }

  /** Raises LogUnavailable. */
  async join(
    name: SharedName,
    after: number,
    member: Member,
    subscription: Subscription,
  ): Promise<SharedFeed> {
    const key = groupName(name);
    let feed = this.feeds.get(key);
    if (feed === undefined) {
      const group = await openGroup(this.log, name, after);
      feed = this.feeds.get(key) ?? new SharedFeed(group, name, this.kind, this.logger);
      this.feeds.set(key, feed);
    }
    feed.join(member, subscription);
    return feed;
  }

  /** What it has not acknowledged is to be given back by then. */
  leave(name: SharedName, member: Member): void {
    const key = groupName(name);
    const feed = this.feeds.get(key);
    if (feed === undefined) return;
    feed.leave(member);
    if (feed.size > 0) return;
    this.feeds.delete(key);
    void feed.stop();
  }

  /**
   * Forgets the places of groups that nobody read the last two times that this was asked, and that no session
   * has: `named` by {@link groupName}.
   */
  async deleteOthers(named: ReadonlySet<string>): Promise<void> {
    const others: string[] = [];
    for (const stream of this.log.signalsStreams) {
      for (const name of await this.log.idleGroups(stream, GROUP_PREFIX)) {
        if (named.has(name) || this.feeds.has(name)) continue;
        others.push(name);
        if (this.idle.has(name)) await this.log.deleteGroup(stream, name);
      }
    }
    this.idle = new Set(others);
  }

  async stop(): Promise<void> {
    const all = [...this.feeds.values()];
    this.feeds.clear();
    await Promise.all(all.map((feed) => feed.stop()));
  }
}
