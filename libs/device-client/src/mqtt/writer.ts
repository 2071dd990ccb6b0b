/** MQTT 5, section 2.1.2. */
export const PacketType = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  SUBSCRIBE: 8,
  SUBACK: 9,
  UNSUBSCRIBE: 10,
  UNSUBACK: 11,
  PINGREQ: 12,
  PINGRESP: 13,
  DISCONNECT: 14,
} as const;

/** MQTT 5, section 2.2.2.2: the properties that are written or looked at here. */
export const Property = {
  SESSION_EXPIRY: 0x11,
  SERVER_KEEP_ALIVE: 0x13,
  RECEIVE_MAXIMUM: 0x21,
  MAXIMUM_PACKET_SIZE: 0x27,
  REASON: 0x1f,
  USER: 0x26,
} as const;

export interface ConnectPacket {
  readonly clientId: string;
  readonly userName: string;
  readonly password: string;
  readonly keepAliveS: number;
  readonly sessionExpiryS: number;
  /** Publishes with QoS 1 that the server may have unacknowledged. */
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number;
}

export interface PublishPacket {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Undefined: QoS 0. */
  readonly packetId?: number | undefined;
  readonly dup?: boolean | undefined;
  readonly userProperties?: readonly (readonly [name: string, value: string])[] | undefined;
}

/** MQTT 5, section 3.1; a session that outlives the connection is taken up again (clean start 0). */
export function encodeConnect(packet: ConnectPacket): Buffer {
  const properties = Buffer.concat([
    Buffer.from([Property.SESSION_EXPIRY]),
    uint32(packet.sessionExpiryS),
    Buffer.from([Property.RECEIVE_MAXIMUM]),
    uint16(packet.receiveMaximum),
    Buffer.from([Property.MAXIMUM_PACKET_SIZE]),
    uint32(packet.maximumPacketSize),
  ]);
  const USER_NAME_AND_PASSWORD = 0xc0;
  return framed(PacketType.CONNECT << 4, [
    text("MQTT"),
    Buffer.from([5, USER_NAME_AND_PASSWORD]),
    uint16(packet.keepAliveS),
    withLength(properties),
    text(packet.clientId),
    text(packet.userName),
    text(packet.password),
  ]);
}

/** MQTT 5, section 3.3. In one piece, since it is what is sent most. */
export function encodePublish({ topic, payload, packetId, dup, userProperties }: PublishPacket): Buffer {
  const topicBytes = Buffer.byteLength(topic);
  let propertyBytes = 0;
  for (const [name, value] of userProperties ?? []) {
    propertyBytes += 5 + Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  const qos = packetId === undefined ? 0 : 1;
  const rest = 2 + topicBytes + 2 * qos + varintBytes(propertyBytes) + propertyBytes + payload.length;
  const packet = Buffer.allocUnsafe(1 + varintBytes(rest) + rest);
  let at = packet.writeUInt8((PacketType.PUBLISH << 4) | (dup ? 8 : 0) | (qos << 1), 0);
  at = writeVarint(packet, rest, at);
  at = packet.writeUInt16BE(topicBytes, at);
  at += packet.write(topic, at);
  if (packetId !== undefined) at = packet.writeUInt16BE(packetId, at);
  at = writeVarint(packet, propertyBytes, at);
  for (const pair of userProperties ?? []) {
    at = packet.writeUInt8(Property.USER, at);
    for (const part of pair) {
      at = packet.writeUInt16BE(Buffer.byteLength(part), at);
      at += packet.write(part, at);
    }
  }
  packet.set(payload, at);
  return packet;
}

/** MQTT 5, section 3.4: a success without properties. */
export function encodePuback(packetId: number): Buffer {
  return Buffer.from([PacketType.PUBACK << 4, 2, packetId >> 8, packetId & 0xff]);
}

/** MQTT 5, section 3.8: each with QoS 1. */
export function encodeSubscribe(packetId: number, filters: readonly string[]): Buffer {
  const each = filters.flatMap((filter) => [text(filter), Buffer.from([1])]);
  return framed((PacketType.SUBSCRIBE << 4) | 2, [uint16(packetId), Buffer.from([0]), ...each]);
}

/** MQTT 5, section 3.10. */
export function encodeUnsubscribe(packetId: number, filters: readonly string[]): Buffer {
  return framed((PacketType.UNSUBSCRIBE << 4) | 2, [
    uint16(packetId),
    Buffer.from([0]),
    ...filters.map(text),
  ]);
}

export const PINGREQ: Buffer = Buffer.from([PacketType.PINGREQ << 4, 0]);
/** Without a reason: all is well, and the session stays. */
export const DISCONNECT: Buffer = Buffer.from([PacketType.DISCONNECT << 4, 0]);

function framed(first: number, parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([first]), withLength(Buffer.concat(parts))]);
}

function withLength(bytes: Buffer): Buffer {
  const length = Buffer.alloc(varintBytes(bytes.length));
  writeVarint(length, bytes.length, 0);
  return Buffer.concat([length, bytes]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint16(bytes.length), bytes]);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function varintBytes(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}

function writeVarint(into: Buffer, value: number, at: number): number {
  let [rest, next] = [value, at];
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    next = into.writeUInt8(rest > 0 ? low | 128 : low, next);
  } while (rest > 0);
  return next;
}
