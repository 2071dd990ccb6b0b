import { limits } from "@fieldlog/contracts";
import type { Publish } from "../codec/read-packets.js";
import { BadPacket, protocolError, Reason } from "../codec/reason.js";
import { isTopicName } from "./topics.js";

/** What a client's topic aliases stand for, on this connection only [MQTT-3.3.2-7]. */
export class InboundAliases {
  private readonly topics: (string | undefined)[] = [];

  /**
   * The topic of a publish. Raises BadPacket: for an alias of 0 ([MQTT-3.3.2-8]) or over the maximum that the
   * client was told ([MQTT-3.3.2-9]), one that stands for nothing yet, and for a topic that is none.
   */
  resolve({ topic, properties: { topicAlias } }: Publish): string {
    if (topic !== "" && !isTopicName(topic)) {
      throw new BadPacket(Reason.topicNameInvalid, "a topic with wildcards"); // [MQTT-3.3.2-2]
    }
    if (topicAlias === undefined) {
      if (topic === "") throw protocolError("neither a topic nor an alias"); // 3.3.2.1, [MQTT-4.7.3-1]
      return topic;
    }
    if (topicAlias === 0 || topicAlias > limits.mqttTopicAliases) {
      throw new BadPacket(Reason.topicAliasInvalid, `a topic alias of ${topicAlias}`);
    }
    if (topic === "") {
      const known = this.topics[topicAlias];
      if (known === undefined) throw protocolError("a topic alias that stands for nothing"); // 3.3.2.3.4
      return known;
    }
    // One that is too long is refused, and not worth being kept.
    this.topics[topicAlias] = topic.length <= limits.mqttTopicBytes ? topic : undefined;
    return topic;
  }
}

/** Aliases towards a client, which are given to the first topics that it is sent. */
export class OutboundAliases {
  private readonly aliases = new Map<string, number>();

  /** @param maximum the client's Topic Alias Maximum [MQTT-3.3.2-10]; 0: none [MQTT-3.1.2-26], [MQTT-3.1.2-27] */
  constructor(private readonly maximum: number) {}

  /** 0: none was given to this topic. */
  of(topic: string): number {
    return this.aliases.get(topic) ?? 0;
  }

  /** The alias that the topic would be given; 0: none is left. */
  get free(): number {
    const next = this.aliases.size + 1;
    return next <= Math.min(this.maximum, limits.mqttTopicAliases) ? next : 0;
  }

  /** The client has been sent the topic with this alias. */
  give(topic: string, alias: number): void {
    this.aliases.set(topic, alias);
  }
}
