import type { OutboundMessage, OutboundProperties } from "../subscriptions/outbound-message.js";
import type { Version } from "./packet-type.js";
import { variableLength, writeVariable } from "./write.js";

/** How one client is to get a message. */
export interface PublishForm {
  readonly version: Version;
  readonly dup: boolean;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** With QoS 1 and 2. */
  readonly packetId: number;
  readonly subscriptionIds: readonly number[];
  /** Seconds; undefined: it does not expire. */
  readonly expiryS: number | undefined;
  /** 0: none. */
  readonly topicAlias: number;
  /** The client knows what the alias stands for: the topic is not sent [MQTT-3.3.2-8]. */
  readonly aliasOnly: boolean;
}

/** What of a message is the same for all clients; made once for those who get it at the same time. */
interface Common {
  readonly message: OutboundMessage;
  readonly topic: Buffer;
  /** Properties as MQTT 5 has them. */
  readonly properties: Buffer;
}

let newest: Common | undefined;
const EMPTY = Buffer.alloc(0);

/** PUBLISH (3.3) up to its payload, and how long it is with the payload. */
export function encodePublishHead(
  message: OutboundMessage,
  form: PublishForm,
): { head: Buffer; total: number } {
  const common = commonOf(message);
  const topic = form.aliasOnly ? EMPTY : common.topic;
  const v5 = form.version === 5;
  const own = v5 ? ownProperties(form) : EMPTY;
  const propertiesLength = own.length + common.properties.length;
  const beforePayload =
    2 +
    topic.length +
    (form.qos > 0 ? 2 : 0) +
    (v5 ? variableLength(propertiesLength) + propertiesLength : 0);
  const length = beforePayload + message.payload.length;
  const head = Buffer.allocUnsafe(1 + variableLength(length) + beforePayload);
  head[0] = 0x30 | (form.dup ? 8 : 0) | (form.qos << 1) | (form.retain ? 1 : 0);
  let at = writeVariable(head, 1, length);
  at = head.writeUInt16BE(topic.length, at);
  head.set(topic, at);
  at += topic.length;
  if (form.qos > 0) at = head.writeUInt16BE(form.packetId, at);
  if (v5) {
    at = writeVariable(head, at, propertiesLength);
    head.set(own, at);
    head.set(common.properties, at + own.length);
  }
  return { head, total: head.length + message.payload.length };
}

/** Those that differ from client to client: expiry, subscription identifiers, topic alias. */
function ownProperties({ expiryS, subscriptionIds, topicAlias }: PublishForm): Buffer {
  if (expiryS === undefined && subscriptionIds.length === 0 && topicAlias === 0) return EMPTY;
  const properties = Buffer.allocUnsafe(8 + 5 * subscriptionIds.length);
  let at = 0;
  if (expiryS !== undefined) {
    properties[at++] = 0x02;
    at = properties.writeUInt32BE(expiryS, at); // what is left of it [MQTT-3.3.2-6]
  }
  for (const id of subscriptionIds) {
    properties[at++] = 0x0b; // [MQTT-3.3.4-3], [MQTT-3.3.4-4]
    at = writeVariable(properties, at, id);
  }
  if (topicAlias > 0) {
    properties[at++] = 0x23;
    at = properties.writeUInt16BE(topicAlias, at);
  }
  return properties.subarray(0, at);
}

function commonOf(message: OutboundMessage): Common {
  if (newest?.message !== message) {
    const topic = Buffer.from(message.topic, "utf8");
    newest = { message, topic, properties: commonProperties(message.publication) };
  }
  return newest;
}

/** As its publisher sent them ([MQTT-3.3.2-4], [MQTT-3.3.2-15], [MQTT-3.3.2-17], [MQTT-3.3.2-20]). */
function commonProperties(publication: OutboundProperties): Buffer {
  const { utf8, contentType, responseTopic, correlationData, userProperties } = publication;
  const parts: Uint8Array[] = [];
  if (utf8) parts.push(Buffer.from([0x01, 1]));
  if (contentType !== "") parts.push(Buffer.from([0x03]), sized(Buffer.from(contentType)));
  if (responseTopic !== "") parts.push(Buffer.from([0x08]), sized(Buffer.from(responseTopic)));
  if (correlationData.length > 0) parts.push(Buffer.from([0x09]), sized(correlationData));
  for (const { key, value } of userProperties) {
    parts.push(Buffer.from([0x26]), sized(Buffer.from(key)), sized(Buffer.from(value)));
  }
  return parts.length === 0 ? EMPTY : Buffer.concat(parts);
}

function sized(bytes: Uint8Array): Buffer {
  const length = Buffer.from([bytes.length >> 8, bytes.length & 0xff]);
  return Buffer.concat([length, bytes]);
}
