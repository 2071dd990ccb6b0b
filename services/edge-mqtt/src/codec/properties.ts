import type { Reader } from "./reader.js";
import { malformed, protocolError } from "./reason.js";

export type UserProperty = readonly [name: string, value: string];

/** Properties that a client may send (MQTT 5, 2.2.2.2), as far as they were there. */
export interface Properties {
  payloadFormatIndicator?: number;
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  subscriptionIdentifier?: number;
  sessionExpiryInterval?: number;
  authenticationMethod?: string;
  authenticationData?: Buffer;
  requestProblemInformation?: number;
  willDelayInterval?: number;
  requestResponseInformation?: number;
  serverReference?: string;
  reasonString?: string;
  receiveMaximum?: number;
  topicAliasMaximum?: number;
  topicAlias?: number;
  /** In the order of sending, names more than once where they were sent so [MQTT-3.3.2-18]. */
  userProperties?: UserProperty[];
  maximumPacketSize?: number;
}

/** Where a property may stand, as bits. */
export const In = Object.freeze({
  connect: 1,
  will: 2,
  publish: 4,
  acknowledgment: 8,
  subscribe: 16,
  unsubscribe: 32,
  disconnect: 64,
});

type Kind = "flag" | "uint16" | "uint32" | "variable" | "text" | "binary";
type Single = Exclude<keyof Properties, "userProperties">;

interface Known {
  readonly name: Single;
  readonly kind: Kind;
  readonly allowed: number;
}

const USER_PROPERTY = 38;
const message = In.publish | In.will;

/** By identifier. */
const known: readonly (Known | undefined)[] = Object.assign(
  new Array<Known | undefined>(43).fill(undefined),
  {
    1: { name: "payloadFormatIndicator", kind: "flag", allowed: message },
    2: { name: "messageExpiryInterval", kind: "uint32", allowed: message },
    3: { name: "contentType", kind: "text", allowed: message },
    8: { name: "responseTopic", kind: "text", allowed: message },
    9: { name: "correlationData", kind: "binary", allowed: message },
    11: { name: "subscriptionIdentifier", kind: "variable", allowed: In.subscribe | In.publish },
    17: { name: "sessionExpiryInterval", kind: "uint32", allowed: In.connect | In.disconnect },
    21: { name: "authenticationMethod", kind: "text", allowed: In.connect },
    22: { name: "authenticationData", kind: "binary", allowed: In.connect },
    23: { name: "requestProblemInformation", kind: "flag", allowed: In.connect },
    24: { name: "willDelayInterval", kind: "uint32", allowed: In.will },
    25: { name: "requestResponseInformation", kind: "flag", allowed: In.connect },
    28: { name: "serverReference", kind: "text", allowed: In.disconnect },
    31: { name: "reasonString", kind: "text", allowed: In.acknowledgment | In.disconnect },
    33: { name: "receiveMaximum", kind: "uint16", allowed: In.connect },
    34: { name: "topicAliasMaximum", kind: "uint16", allowed: In.connect },
    35: { name: "topicAlias", kind: "uint16", allowed: In.publish },
    39: { name: "maximumPacketSize", kind: "uint32", allowed: In.connect },
  } satisfies Record<number, Known>,
);

/** Nobody asked for any: shared, so that most packets need no object for them. */
export const noProperties: Properties = Object.freeze({});

/**
 * The property section of a packet, at whose length the reader stands. Raises BadPacket: malformed for an
 * identifier that is unknown or does not belong there, a protocol error for one that comes twice
 * (MQTT 5, 2.2.2.2).
 * @param where one of {@link In}
 */
export function readProperties(reader: Reader, where: number): Properties {
  const length = reader.variable();
  if (length === 0) return noProperties;
  if (length > reader.left) throw malformed("the properties are longer than the packet");
  const packetEnd = reader.end;
  reader.end = reader.at + length;
  const properties: Properties = {};
  while (reader.left > 0) {
    const id = reader.variable();
    if (id === USER_PROPERTY) {
      properties.userProperties ??= [];
      properties.userProperties.push([reader.text(), reader.text()]);
      continue;
    }
    const property = known[id];
    if (property === undefined || (property.allowed & where) === 0) {
      throw malformed(`property ${id} does not belong here`);
    }
    if (properties[property.name] !== undefined) throw protocolError(`${property.name} is there twice`);
    // The table says which name has a value of which kind.
    (properties as Record<Single, unknown>)[property.name] = readValue(reader, property);
  }
  reader.end = packetEnd;
  return properties;
}

function readValue(reader: Reader, { kind, name }: Known): number | string | Buffer {
  switch (kind) {
    case "flag": {
      const value = reader.byte();
      if (value > 1) throw protocolError(`${name} is neither 0 nor 1`);
      return value;
    }
    case "uint16":
      return reader.uint16();
    case "uint32":
      return reader.uint32();
    case "variable":
      return reader.variable();
    case "text":
      return reader.text();
    case "binary":
      return reader.binary();
  }
}
