import { limits } from "@fieldlog/contracts";
import type { IConnackPacket } from "mqtt-packet";
import { PacketType, type Version } from "../codec/packet-type.js";
import type { Connect } from "../codec/read-connect.js";
import { type BadPacket, Reason, reasonWords } from "../codec/reason.js";
import { encodePacket } from "../codec/write.js";
import type { Client } from "./client.js";

/** Connect return codes of MQTT 3.1.1 (3.2.2.3); what has none is closed without CONNACK. */
const returnCodes = new Map<number, number>([
  [Reason.unsupportedVersion, 1],
  [Reason.clientIdNotValid, 2],
  [Reason.serverUnavailable, 3],
  [Reason.serverBusy, 3],
  [Reason.quotaExceeded, 3],
  [Reason.badUserNameOrPassword, 4],
  [Reason.notAuthorized, 5],
]);

/** Answers CONNECT with a refusal, and closes ([MQTT-3.1.4-2], [MQTT-3.2.2-7]). */
export function refuseConnect(
  client: Client,
  { code, message }: Pick<BadPacket, "code" | "message">,
  version: Version = client.version,
): void {
  if (client.phase === "ended") return;
  const { maximum, parts } = client;
  parts.logger.debug({ clientId: client.clientId, code, why: message }, "CONNECT refused");
  const packet = refusal(code, message, version);
  if (packet !== undefined) client.write(encodePacket(packet, version, maximum), PacketType.connack);
  if (client.phase === "connecting") parts.metrics.connect(reasonWords(code));
  client.finish(reasonWords(code), { publishWill: false });
  client.output.flush();
  client.wire.end();
}

function refusal(code: number, message: string, version: Version): IConnackPacket | undefined {
  // With sessionPresent 0 [MQTT-3.2.2-6], 3.1.1: [MQTT-3.2.2-4].
  const packet = { cmd: "connack", sessionPresent: false } as const;
  if (version === 5) return { ...packet, reasonCode: code, properties: { reasonString: message } };
  const returnCode = returnCodes.get(code);
  return returnCode === undefined ? undefined : { ...packet, returnCode };
}

/** What was decided about a client that may come in. */
export interface Granted {
  /** Undefined: it gave one itself. */
  readonly assignedClientId: string | undefined;
  readonly sessionPresent: boolean;
  /** Seconds that the session outlives the client, if other than asked for. */
  readonly sessionExpiryS: number | undefined;
  /** Seconds, if other than asked for. */
  readonly keepAliveS: number | undefined;
  readonly responseInformation: string | undefined;
}

/** CONNACK (3.2) that lets a client in, with what is offered to it. */
export function connackOf({ version }: Connect, granted: Granted): IConnackPacket {
  const packet = { cmd: "connack", sessionPresent: granted.sessionPresent } as const;
  if (version === 4) return { ...packet, returnCode: 0 };
  const { assignedClientId, sessionExpiryS, keepAliveS, responseInformation } = granted;
  const properties: NonNullable<IConnackPacket["properties"]> = {
    receiveMaximum: limits.mqttInFlight,
    maximumPacketSize: limits.mqttPacketBytes,
    topicAliasMaximum: limits.mqttTopicAliases,
    // No maximum QoS: all three are spoken [MQTT-3.2.2-9].
    retainAvailable: true,
    wildcardSubscriptionAvailable: true,
    subscriptionIdentifiersAvailable: true,
    sharedSubscriptionAvailable: true,
  };
  if (assignedClientId !== undefined) properties.assignedClientIdentifier = assignedClientId; // [MQTT-3.2.2-16]
  if (sessionExpiryS !== undefined) properties.sessionExpiryInterval = sessionExpiryS; // 3.2.2.3.2
  if (keepAliveS !== undefined) properties.serverKeepAlive = keepAliveS; // [MQTT-3.2.2-21]
  if (responseInformation !== undefined) properties.responseInformation = responseInformation;
  return { ...packet, reasonCode: Reason.success, properties };
}
