import { prefixed, Reader, u8, u16, u32, varint } from "./bytes.js";

// The properties of MQTT 5.0, section 2.2.2.2: name, identifier, data type.
const TABLE = {
  payloadFormat: [0x01, "u8"],
  messageExpiry: [0x02, "u32"],
  contentType: [0x03, "string"],
  responseTopic: [0x08, "string"],
  correlationData: [0x09, "bytes"],
  subscriptionId: [0x0b, "varint"],
  sessionExpiry: [0x11, "u32"],
  assignedClientId: [0x12, "string"],
  serverKeepAlive: [0x13, "u16"],
  authMethod: [0x15, "string"],
  authData: [0x16, "bytes"],
  requestProblemInformation: [0x17, "u8"],
  willDelay: [0x18, "u32"],
  requestResponseInformation: [0x19, "u8"],
  responseInformation: [0x1a, "string"],
  serverReference: [0x1c, "string"],
  reasonString: [0x1f, "string"],
  receiveMaximum: [0x21, "u16"],
  topicAliasMaximum: [0x22, "u16"],
  topicAlias: [0x23, "u16"],
  maximumQos: [0x24, "u8"],
  retainAvailable: [0x25, "u8"],
  userProperty: [0x26, "pair"],
  maximumPacketSize: [0x27, "u32"],
  wildcardAvailable: [0x28, "u8"],
  subscriptionIdsAvailable: [0x29, "u8"],
  sharedAvailable: [0x2a, "u8"],
} as const;

export type PropertyName = keyof typeof TABLE;

/** A property as its bytes, so that a test may repeat one or make one up. */
export type Property = Uint8Array;

/** What a packet of the server holds; what may occur once is a value, what may occur often a list. */
export interface Properties {
  payloadFormat?: number;
  messageExpiry?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  sessionExpiry?: number;
  assignedClientId?: string;
  serverKeepAlive?: number;
  authMethod?: string;
  authData?: Buffer;
  responseInformation?: string;
  serverReference?: string;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  maximumQos?: number;
  retainAvailable?: number;
  maximumPacketSize?: number;
  wildcardAvailable?: number;
  subscriptionIdsAvailable?: number;
  sharedAvailable?: number;
  userProperties: [string, string][];
  subscriptionIds: number[];
}

const WRITERS = { u8, u16, u32, varint } as const;

/** One property; for a user property give name and value. Strings may be given as bytes, thus as invalid UTF-8. */
export function property(
  name: PropertyName,
  value: number | string | Uint8Array,
  second: string | Uint8Array = "",
): Property {
  const [id, type] = TABLE[name];
  if (typeof value === "number") {
    const write = WRITERS[type as keyof typeof WRITERS];
    return Buffer.concat([u8(id), write(value)]);
  }
  return Buffer.concat([u8(id), prefixed(value), type === "pair" ? prefixed(second) : Buffer.alloc(0)]);
}

/** A packet's property section: the length, then the properties. */
export function section(properties: readonly Property[] = []): Buffer {
  const content = Buffer.concat(properties);
  return Buffer.concat([varint(content.length), content]);
}

/** Reads a property section. Raises an Error for what is unknown, or repeated where it may not be. */
export function readProperties(from: Reader): Properties {
  const reader = new Reader(from.take(from.varint()));
  const found: Properties = { userProperties: [], subscriptionIds: [] };
  const values = found as unknown as Record<string, unknown>;
  while (reader.left > 0) {
    const id = reader.u8();
    const entry = Object.entries(TABLE).find(([, [known]]) => known === id);
    if (!entry) throw new Error(`unknown property ${id}`);
    const [name, [, type]] = entry;
    if (type === "pair") found.userProperties.push([reader.string(), reader.string()]);
    else if (name === "subscriptionId") found.subscriptionIds.push(reader.varint());
    else if (name in found) throw new Error(`${name} twice`);
    else values[name] = reader[type]();
  }
  return found;
}
