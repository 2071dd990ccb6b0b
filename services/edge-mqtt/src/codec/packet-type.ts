/** Control packet types, the upper four bits of the first byte (MQTT 5, 2.1.2). */
export const PacketType = Object.freeze({
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const);

/** By type. */
export const packetNames: readonly string[] = ["reserved", ...Object.keys(PacketType)];

/** The protocol level in CONNECT: 4 is MQTT 3.1.1, 5 is MQTT 5. */
export type Version = 4 | 5;
