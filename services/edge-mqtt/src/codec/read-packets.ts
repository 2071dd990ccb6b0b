import type { Version } from "./packet-type.js";
import { In, noProperties, type Properties, readProperties } from "./properties.js";
import type { Reader } from "./reader.js";
import { malformed, protocolError, Reason } from "./reason.js";

/** PUBLISH from a client (3.3), as it stands in the packet. */
export interface Publish {
  readonly dup: boolean;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** Empty where a topic alias stands for it. */
  readonly topic: string;
  /** 0 with QoS 0. */
  readonly packetId: number;
  readonly properties: Properties;
  /** A view on the packet. */
  readonly payload: Buffer;
}

/** @param flags lower four bits of the packet's first byte */
export function readPublish(reader: Reader, flags: number, version: Version): Publish {
  const qos = (flags >> 1) & 3;
  if (qos === 3) throw malformed("the QoS is 3"); // [MQTT-3.3.1-4]
  const dup = (flags & 8) !== 0;
  if (dup && qos === 0) throw malformed("DUP with QoS 0"); // [MQTT-3.3.1-2]
  const topic = reader.text();
  const packetId = qos > 0 ? reader.packetId() : 0;
  const properties = version === 5 ? readProperties(reader, In.publish) : noProperties;
  if (properties.subscriptionIdentifier !== undefined) {
    throw protocolError("a client sent a subscription identifier"); // [MQTT-3.3.4-6]
  }
  const payload = reader.rest();
  return { dup, qos: qos as 0 | 1 | 2, retain: (flags & 1) !== 0, topic, packetId, properties, payload };
}

/** PUBACK, PUBREC, PUBREL, PUBCOMP (3.4 to 3.7). */
export interface Acknowledgment {
  readonly packetId: number;
  readonly reasonCode: number;
}

const publishReasons = new Set([0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]);
const releaseReasons = new Set([0x00, 0x92]);

/** @param release of a PUBREL or PUBCOMP, which have fewer reason codes */
export function readAcknowledgment(reader: Reader, version: Version, release: boolean): Acknowledgment {
  const packetId = reader.packetId();
  let reasonCode = 0;
  if (version === 5 && reader.left > 0) {
    reasonCode = reader.byte();
    if (!(release ? releaseReasons : publishReasons).has(reasonCode)) {
      throw protocolError("not a reason code of this acknowledgment"); // [MQTT-3.4.2-1], [MQTT-3.6.2-1]
    }
    if (reader.left > 0) readProperties(reader, In.acknowledgment);
  }
  reader.finish();
  return { packetId, reasonCode };
}

/** SUBSCRIBE (3.8). */
export interface Subscribe {
  readonly packetId: number;
  /** Absent: none. */
  readonly subscriptionIdentifier: number | undefined;
  readonly requests: readonly FilterRequest[];
}

export interface FilterRequest {
  /** As it was sent, `$share/…/` included. */
  readonly filter: string;
  readonly qos: 0 | 1 | 2;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
}

export function readSubscribe(reader: Reader, version: Version): Subscribe {
  const packetId = reader.packetId();
  const { subscriptionIdentifier } = version === 5 ? readProperties(reader, In.subscribe) : noProperties;
  if (subscriptionIdentifier === 0) throw protocolError("the subscription identifier is 0"); // 3.8.2.1.2
  const requests: FilterRequest[] = [];
  while (reader.left > 0) requests.push(readFilterRequest(reader, version));
  if (requests.length === 0) throw protocolError("SUBSCRIBE without a filter"); // [MQTT-3.8.3-2], 3.1.1: [MQTT-3.8.3-3]
  return { packetId, subscriptionIdentifier, requests };
}

function readFilterRequest(reader: Reader, version: Version): FilterRequest {
  const filter = reader.text();
  const options = reader.byte();
  // [MQTT-3.8.3-5], 3.1.1: [MQTT-3-8.3-4]
  if (options & (version === 5 ? 0xc0 : 0xfc)) throw malformed("reserved bits of a subscription are set");
  const qos = options & 3;
  if (qos === 3) throw protocolError("a subscription's QoS is 3"); // 3.8.3.1
  const retainHandling = (options >> 4) & 3;
  if (retainHandling === 3) throw protocolError("the retain handling is 3"); // 3.8.3.1
  return {
    filter,
    qos: qos as 0 | 1 | 2,
    noLocal: (options & 4) !== 0,
    retainAsPublished: (options & 8) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  };
}

/** UNSUBSCRIBE (3.10). */
export interface Unsubscribe {
  readonly packetId: number;
  readonly filters: readonly string[];
}

export function readUnsubscribe(reader: Reader, version: Version): Unsubscribe {
  const packetId = reader.packetId();
  if (version === 5) readProperties(reader, In.unsubscribe);
  const filters: string[] = [];
  while (reader.left > 0) filters.push(reader.text());
  if (filters.length === 0) throw protocolError("UNSUBSCRIBE without a filter"); // [MQTT-3.10.3-2]
  return { packetId, filters };
}

/** DISCONNECT from a client (3.14). */
export interface Disconnect {
  readonly reasonCode: number;
  /** Seconds; absent: as in CONNECT. */
  readonly sessionExpiryInterval: number | undefined;
}

/** Those of which the table in 3.14.2.1 says that a client sends them. */
const disconnectReasons = new Set([
  ...[Reason.success, Reason.disconnectWithWill, Reason.unspecified, Reason.malformedPacket],
  ...[Reason.protocolError, 0x83, Reason.topicNameInvalid, Reason.receiveMaximumExceeded],
  ...[Reason.topicAliasInvalid, Reason.packetTooLarge, 0x96, Reason.quotaExceeded, Reason.administrative],
  Reason.payloadFormatInvalid,
]);

export function readDisconnect(reader: Reader, version: Version): Disconnect {
  let reasonCode: number = Reason.success;
  let properties = noProperties;
  if (version === 5 && reader.left > 0) {
    reasonCode = reader.byte();
    if (!disconnectReasons.has(reasonCode)) throw protocolError("not a reason code of a client"); // [MQTT-3.14.2-1]
    if (reader.left > 0) properties = readProperties(reader, In.disconnect);
  }
  reader.finish();
  return { reasonCode, sessionExpiryInterval: properties.sessionExpiryInterval };
}
