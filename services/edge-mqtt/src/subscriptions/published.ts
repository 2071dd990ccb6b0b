import type { Feeds, Index, Kind } from "@fieldlog/fan-out";
import { type PublishedCommit, readPublished } from "./published-commit.js";
import type { Skimmed } from "./skim.js";
import type { Subscription } from "./subscription.js";
import { TopicTree } from "./topic-tree.js";

export type PublishedKind = Kind<Skimmed, PublishedCommit, Subscription>;

/**
 * Published messages, chosen by their topics.
 *
 * @param names of namespaces, by their ids
 */
export function publishedKind(names: ReadonlyMap<string, string>): PublishedKind {
  return {
    read: (id, sequence, data, onError) =>
      readPublished({ id, name: names.get(id) ?? id }, sequence, data, onError),
    index: (subscriptionOf) => new TopicIndex(subscriptionOf),
  };
}

export type PublishedFeeds = Feeds<Skimmed, PublishedCommit, Subscription>;

class TopicIndex<T> implements Index<Skimmed, T> {
  private readonly tree = new TopicTree<T>();

  constructor(private readonly subscriptionOf: (value: T) => Subscription) {}

  add(value: T): void {
    this.tree.add(this.subscriptionOf(value).filter, value);
  }

  delete(value: T): void {
    this.tree.delete(this.subscriptionOf(value).filter, value);
  }

  match(message: Skimmed, visit: (value: T) => void): void {
    this.tree.match(message.topic, visit);
  }

  each(visit: (value: T) => void): void {
    this.tree.each(visit);
  }
}
