import { generate, type Packet } from "mqtt-packet";
import type { Version } from "./packet-type.js";

/**
 * Encodes any packet but the few on the hot path (acknowledgments, PUBLISH, PINGRESP), which are written
 * where they are sent. Where it would be larger than the client takes, its reason string is left out
 * ([MQTT-3.2.2-19], [MQTT-3.14.2-3] and their like); undefined: even then it would be.
 * @param maximum bytes
 */
export function encodePacket(packet: Packet, version: Version, maximum: number): Buffer | undefined {
  const whole = generate(packet, { protocolVersion: version });
  if (whole.length <= maximum) return whole;
  const { properties } = packet as { properties?: { reasonString?: string } };
  if (properties?.reasonString === undefined) return undefined;
  const { reasonString: _, ...others } = properties;
  const shorter = generate({ ...packet, properties: others } as Packet, { protocolVersion: version });
  return shorter.length <= maximum ? shorter : undefined;
}

/** Bytes that a Variable Byte Integer takes (1.5.5). */
export function variableLength(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
}

/** Writes a Variable Byte Integer; returns where it ends. */
export function writeVariable(buffer: Buffer, at: number, value: number): number {
  let end = at;
  let left = value;
  for (; left >= 0x80; left >>>= 7) buffer[end++] = (left & 0x7f) | 0x80;
  buffer[end++] = left;
  return end;
}
