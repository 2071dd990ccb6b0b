import type { Version } from "./packet-type.js";
import { In, noProperties, type Properties, readProperties } from "./properties.js";
import type { Reader } from "./reader.js";
import { BadPacket, malformed, protocolError, Reason } from "./reason.js";

/** CONNECT (MQTT 5 and 3.1.1, 3.1). */
export interface Connect {
  readonly version: Version;
  /** Clean Start; in 3.1.1 Clean Session. */
  readonly clean: boolean;
  /** Seconds; 0: none. */
  readonly keepAliveS: number;
  readonly properties: Properties;
  readonly clientId: string;
  readonly will: ConnectWill | undefined;
  readonly userName: string | undefined;
  readonly password: Buffer | undefined;
}

export interface ConnectWill {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly properties: Properties;
}

const flag = { reserved: 0x01, clean: 0x02, will: 0x04, willRetain: 0x20, password: 0x40, userName: 0x80 };

/**
 * Raises BadPacket; with `unsupportedVersion` for another version than MQTT 3.1.1 and 5 [MQTT-3.1.2-2], be it
 * MQTT 3.1 with its name MQIsdp.
 */
export function readConnect(reader: Reader): Connect {
  const version = readVersion(reader);
  const flags = reader.byte();
  if (flags & flag.reserved) throw malformed("the reserved connect flag is set"); // [MQTT-3.1.2-3]
  const qos = (flags >> 3) & 3;
  if (flags & flag.will) {
    if (qos === 3) throw malformed("the will's QoS is 3"); // [MQTT-3.1.2-12], 3.1.1: [MQTT-3.1.2-14]
  } else if (qos > 0 || flags & flag.willRetain) {
    throw malformed("will flags without a will"); // [MQTT-3.1.2-11], [MQTT-3.1.2-13]
  }
  if (version === 4 && flags & flag.password && !(flags & flag.userName)) {
    throw malformed("a password without a user name"); // 3.1.1: [MQTT-3.1.2-22]
  }
  const keepAliveS = reader.uint16();
  const properties = version === 5 ? readProperties(reader, In.connect) : noProperties;
  checkProperties(properties);
  const clientId = reader.text();
  const will = flags & flag.will ? readWill(reader, version, flags) : undefined;
  const userName = flags & flag.userName ? reader.text() : undefined;
  const password = flags & flag.password ? reader.binary() : undefined;
  reader.finish();
  const clean = (flags & flag.clean) !== 0;
  return { version, clean, keepAliveS, properties, clientId, will, userName, password };
}

function readVersion(reader: Reader): Version {
  const name = reader.text();
  if (name !== "MQTT" && name !== "MQIsdp") throw malformed("this is not MQTT"); // [MQTT-3.1.2-1]
  const level = reader.byte();
  if (name === "MQTT" && (level === 4 || level === 5)) return level;
  throw new BadPacket(Reason.unsupportedVersion, "only MQTT 3.1.1 and 5 are spoken here");
}

/** Whether what should be CONNECT says that it is MQTT 5, whatever else is wrong with it. */
export function saysVersion5({ buffer }: Reader, bodyAt: number): boolean {
  return buffer.toString("latin1", bodyAt, bodyAt + 7) === "\0\u0004MQTT\u0005";
}

function checkProperties(properties: Properties): void {
  if (properties.receiveMaximum === 0) throw protocolError("the receive maximum is 0"); // 3.1.2.11.3
  if (properties.maximumPacketSize === 0) throw protocolError("the maximum packet size is 0"); // 3.1.2.11.4
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw protocolError("authentication data without a method"); // 3.1.2.11.10
  }
}

function readWill(reader: Reader, version: Version, flags: number): ConnectWill {
  const properties = version === 5 ? readProperties(reader, In.will) : noProperties;
  const topic = reader.text();
  const payload = reader.binary();
  const qos = ((flags >> 3) & 3) as 0 | 1 | 2;
  return { topic, payload, qos, retain: (flags & flag.willRetain) !== 0, properties };
}
