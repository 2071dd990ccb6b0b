import { LogUnavailable } from "@fieldlog/event-log";
import { PacketType } from "../codec/packet-type.js";
import { Reason } from "../codec/reason.js";
import { encodePacket } from "../codec/write.js";
import { SessionLost } from "../sessions/errors.js";
import type { Session } from "../sessions/types.js";
import type { Client } from "./client.js";

/** Answers PUBREL with PUBCOMP [MQTT-4.3.3-11], once the packet id is free in what is kept. Never rejects. */
export async function release(client: Client, packetId: number): Promise<void> {
  try {
    const known = await (client.session as Session).releaseQos2(packetId);
    client.released(packetId);
    if (client.phase === "ended") return;
    if (known || client.version === 4) {
      client.writeAcknowledgment(PacketType.pubcomp << 4, packetId);
      return;
    }
    const reasonCode = Reason.packetIdNotFound;
    const packet = { cmd: "pubcomp", messageId: packetId, reasonCode } as const;
    client.write(encodePacket(packet, 5, client.maximum), PacketType.pubcomp);
  } catch (error) {
    failed(client, error);
  }
}

/** A session could not keep something: the connection ends, and the client sends it again to the next. */
export function failed(client: Client, error: unknown): void {
  if (error instanceof SessionLost) {
    client.end(Reason.sessionTakenOver, "the client has connected again", { sessionOver: true });
  } else if (error instanceof LogUnavailable) {
    client.end(Reason.serverBusy, "the session cannot be kept at the moment");
  } else client.fail(error);
}
