import { InvalidOption } from "../errors.js";
import type { Store } from "../store/store.js";
import { decodeBag } from "../streams/bag.js";
import type { Consumer, Consumers } from "./consumers.js";
import { deviceBoundBag, isFilter, matches } from "./topics.js";

/** A message that the platform sent. */
export interface ReceivedMessage {
  readonly topic: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly payload: Uint8Array;
}

/** Deals with a message. The message is kept until that resolves; if it rejects it is called again, later. */
export type MessageHandler = (message: ReceivedMessage) => void | Promise<void>;

/** Tells the platform, if there is a connection; each new connection tells all filters anyway. */
export interface SubscriptionLink {
  subscribe(filters: readonly string[]): Promise<void>;
  unsubscribe(filter: string): Promise<void>;
}

const NAME = "subscriptions";

/** What the application wants to hear of, beside what every device does: kept from one start to the next. */
export class Subscriptions {
  private readonly followed: Set<string>;

  constructor(
    private readonly store: Store,
    private readonly consumers: Consumers,
    private readonly link: SubscriptionLink,
  ) {
    this.followed = new Set(store.state.get<string[]>(NAME));
  }

  get filters(): readonly string[] {
    return [...this.followed];
  }

  /** Resolves, with how the consumer is taken away, when it is on the disk that the filter is followed. */
  async follow(filter: string, consumer: Consumer): Promise<() => void> {
    if (!isFilter(filter)) throw new InvalidOption("filter", "is no MQTT topic filter");
    const remove = this.consumers.add(consumer);
    if (!this.followed.has(filter)) {
      this.followed.add(filter);
      await this.keep();
      // Else the next connection does so.
      await this.link.subscribe([filter]).catch(() => {});
    }
    return remove;
  }

  async unfollow(filter: string): Promise<void> {
    if (!this.followed.delete(filter)) return;
    await this.keep();
    await this.link.unsubscribe(filter);
  }

  private keep(): Promise<void> {
    return this.store.write(() => this.store.state.set(NAME, this.filters));
  }
}

/** Messages of a filter. */
export function ofFilter(filter: string, handler: MessageHandler): Consumer {
  return {
    takes: (topic) => matches(filter, topic),
    handle: async ({ topic, properties, payload }) => {
      await handler({ topic, properties, payload });
      return undefined;
    },
  };
}

/** Messages to this device, with the properties in their topic. */
export function ofDevice(handler: MessageHandler): Consumer {
  return {
    takes: (topic) => deviceBoundBag(topic) !== undefined,
    handle: async ({ topic, payload, properties }) => {
      const bag = decodeBag(deviceBoundBag(topic) ?? "");
      await handler({ topic, payload, properties: { ...properties, ...bag } });
      return undefined;
    },
  };
}
