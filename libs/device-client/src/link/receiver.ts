import { createHash } from "node:crypto";
import type { MqttConnection } from "../mqtt/connection.js";
import type { InboundPublish } from "../mqtt/reader.js";
import type { Store } from "../store/store.js";

/** Of what was received last: enough for all that the platform may send without an acknowledgment. */
const REMEMBERED = 64;
const NAME = "received";

/**
 * Stores what the platform sends, then acknowledges it. What does not fit is not acknowledged: the platform keeps it, and
 * sends it again over the next connection.
 */
export class Receiver {
  private refused = false;

  constructor(
    private readonly store: Store,
    private readonly maxBytes: number,
    private readonly stored: () => void,
  ) {}

  /** Whether something is missing for which there is room now: only a new connection brings it. */
  get shouldReconnect(): boolean {
    return this.refused && this.store.inbox.bytes < this.maxBytes / 2;
  }

  connected(): void {
    this.refused = false;
  }

  take(packet: InboundPublish, connection: MqttConnection): void {
    const { topic, payload, packetId, userProperties } = packet;
    const { inbox, state } = this.store;
    // After one that was left, none is taken: order is kept.
    this.refused ||= inbox.bytes + payload.length > this.maxBytes && inbox.messages > 0;
    if (this.refused) return;
    const mark = markOf(packet);
    const before = state.get<string[]>(NAME) ?? [];
    if (packet.dup && before.includes(mark)) {
      if (packetId !== undefined) connection.acknowledge(packetId);
      return;
    }
    const apply = () => {
      inbox.add({ topic, properties: userProperties, payload });
      state.set(NAME, [...(state.get<string[]>(NAME) ?? []), mark].slice(-REMEMBERED));
    };
    this.store.write(apply).then(
      () => {
        if (packetId !== undefined) connection.acknowledge(packetId);
        this.stored();
      },
      (error: Error) => connection.destroy(error),
    );
  }
}

/** A resend has the same packet id (MQTT 5, section 2.2.1). */
function markOf({ topic, payload, packetId }: InboundPublish): string {
  const hash = createHash("sha256")
    .update(`${packetId ?? 0} ${topic}\0`)
    .update(payload);
  return hash.digest("base64url").slice(0, 22);
}
