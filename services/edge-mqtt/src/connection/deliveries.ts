import { limits } from "@fieldlog/contracts";
import { encodePublishHead } from "../codec/encode-publish.js";
import { PacketType } from "../codec/packet-type.js";
import { Reason } from "../codec/reason.js";
import type { Delivery, EndReason, SessionSink } from "../sessions/types.js";
import type { Client } from "./client.js";
import { OutboundAliases } from "./topic-aliases.js";

const endings: Readonly<Record<EndReason, { code: number; why: string }>> = {
  // [MQTT-3.1.4-3]
  "taken-over": { code: Reason.sessionTakenOver, why: "the client has connected again" },
  administrative: { code: Reason.administrative, why: "ended by an operator" },
  quota: { code: Reason.quotaExceeded, why: "the session holds too much" },
  internal: { code: Reason.unspecified, why: "an error of the server" },
};

/** Writes to a client what its session delivers. */
export class Deliveries implements SessionSink {
  private full = false;
  private readonly aliases: OutboundAliases | undefined;

  /** @param topicAliasMaximum the client's; 0: it wants none */
  constructor(
    private readonly client: Client,
    topicAliasMaximum: number,
  ) {
    this.aliases = topicAliasMaximum > 0 ? new OutboundAliases(topicAliasMaximum) : undefined;
  }

  publish(delivery: Delivery): boolean {
    const { client } = this;
    if (client.phase === "ended") return false;
    const { message, qos, dup, retain, packetId = 0, subscriptionIds } = delivery;
    const { topic, payload, publication } = message;
    const expiryS =
      publication.expiresAt === undefined
        ? undefined
        : Math.ceil((publication.expiresAt - client.parts.now()) / 1000);
    if (expiryS !== undefined && expiryS <= 0 && !dup) {
      this.skip(delivery); // [MQTT-3.3.2-5]
      return true;
    }
    const known = this.aliases?.of(topic) ?? 0;
    const given = known > 0 ? known : (this.aliases?.free ?? 0);
    const { head, total } = encodePublishHead(message, {
      ...{ version: client.version, dup, qos, retain, packetId, subscriptionIds },
      ...{ topicAlias: given, aliasOnly: known > 0 },
      expiryS: expiryS === undefined ? undefined : Math.max(expiryS, 0),
    });
    if (total > client.maximum) {
      this.skip(delivery); // [MQTT-3.1.2-24], [MQTT-3.1.2-25]
      return true;
    }
    if (given !== known) this.aliases?.give(topic, given);
    client.output.add(head);
    if (payload.length > 0) client.output.add(payload);
    client.parts.metrics.sent(PacketType.publish);
    this.full = client.output.backlog > limits.mqttSocketBytes;
    return !this.full;
  }

  pubrel(packetId: number): void {
    if (this.client.phase === "ended") return;
    this.client.writeAcknowledgment((PacketType.pubrel << 4) | 2, packetId);
  }

  end(reason: EndReason): void {
    const { code, why } = endings[reason];
    this.client.end(code, why, { sessionOver: true });
  }

  /** What waited to be sent has left. */
  drained(): void {
    if (!this.full) return;
    this.full = false;
    this.client.session?.writable();
  }

  /** It is not sent, and counts as delivered. The session hears of it when it has noted what it gave. */
  private skip({ qos, packetId }: Delivery): void {
    const { session } = this.client;
    if (qos === 0 || packetId === undefined) return;
    queueMicrotask(() => {
      if (qos === 1) session?.acked(packetId);
      else session?.received(packetId, true);
    });
  }
}
