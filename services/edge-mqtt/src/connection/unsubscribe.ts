import { PacketType } from "../codec/packet-type.js";
import { readUnsubscribe } from "../codec/read-packets.js";
import type { Reader } from "../codec/reader.js";
import { Reason } from "../codec/reason.js";
import { encodePacket } from "../codec/write.js";
import type { Session } from "../sessions/types.js";
import { type Client, Hold } from "./client.js";
import { failed } from "./release.js";

/** Takes UNSUBSCRIBE, and answers with UNSUBACK [MQTT-3.10.4-4]. Raises BadPacket; never rejects. */
export function unsubscribe(client: Client, reader: Reader): void {
  const { packetId, filters } = readUnsubscribe(reader, client.version);
  void answer(client, packetId, filters);
}

async function answer(client: Client, messageId: number, filters: readonly string[]): Promise<void> {
  client.hold(Hold.subscriptions);
  try {
    const were = await (client.session as Session).unsubscribe(filters);
    if (client.phase !== "ended") {
      const { version, maximum } = client;
      // In their order [MQTT-3.11.3-1], [MQTT-3.11.3-2]; 3.1.1 has no codes.
      const granted = were.map((was) => (was ? Reason.success : Reason.noSubscriptionExisted));
      client.write(
        encodePacket({ cmd: "unsuback", messageId, granted }, version, maximum),
        PacketType.unsuback,
      );
    }
  } catch (error) {
    failed(client, error);
  }
  client.release(Hold.subscriptions);
}
