import { Reader, readVarint } from "./bytes.js";
import type { Version } from "./packets.js";
import { type Properties, readProperties } from "./properties.js";

const TYPES = {
  2: "connack",
  3: "publish",
  4: "puback",
  5: "pubrec",
  6: "pubrel",
  7: "pubcomp",
  9: "suback",
  11: "unsuback",
  13: "pingresp",
  14: "disconnect",
  15: "auth",
} as const;

/** What a server may send, strictly read. */
export type Packet =
  | { type: "connack"; sessionPresent: boolean; code: number; properties: Properties }
  | Published
  | {
      type: "puback" | "pubrec" | "pubrel" | "pubcomp";
      id: number;
      code: number;
      properties: Properties;
    }
  | { type: "suback" | "unsuback"; id: number; codes: number[]; properties: Properties }
  | { type: "pingresp" }
  | { type: "disconnect" | "auth"; code: number; properties: Properties };

export interface Published {
  type: "publish";
  topic: string;
  payload: string;
  qos: number;
  dup: boolean;
  retain: boolean;
  /** 0 with QoS 0. */
  id: number;
  properties: Properties;
}

export type PacketType = Packet["type"];
export type PacketOf<T extends PacketType> = Having<Packet, T>;
type Having<P, T> = P extends { type: infer U } ? (T extends U ? P : never) : never;

const none = (): Properties => ({ userProperties: [], subscriptionIds: [] });

/**
 * The first packet of `bytes`, and how long it is; undefined while it is not whole. Raises an Error for anything
 * that a server may not send: reserved flags, identifier 0, lengths that do not fit.
 */
export function readPacket(bytes: Buffer, version: Version): { packet: Packet; length: number } | undefined {
  const first = bytes[0];
  if (first === undefined) return undefined;
  const remaining = readVarint(bytes, 1);
  if (!remaining || bytes.length < remaining.next + remaining.value) return undefined;
  const length = remaining.next + remaining.value;
  const type = TYPES[(first >> 4) as keyof typeof TYPES];
  if (!type) throw new Error(`a server sends no packet of type ${first >> 4}`);
  const flags = first & 0x0f;
  if (type !== "publish" && flags !== (type === "pubrel" ? 2 : 0)) throw new Error(`${type}: flags ${flags}`);
  const reader = new Reader(bytes.subarray(remaining.next, length));
  const packet = readBody(type, flags, reader, version === 5);
  if (reader.left > 0) throw new Error(`${type}: ${reader.left} bytes too many`);
  return { packet, length };
}

function readBody(type: PacketType, flags: number, reader: Reader, five: boolean): Packet {
  const properties = () => (five ? readProperties(reader) : none());
  switch (type) {
    case "connack": {
      const acknowledge = reader.u8();
      if (acknowledge > 1) throw new Error(`connack: reserved flags in ${acknowledge}`);
      return { type, sessionPresent: acknowledge === 1, code: reader.u8(), properties: properties() };
    }
    case "publish":
      return readPublish(flags, reader, properties);
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp": {
      const id = identifier(reader);
      const code = five && reader.left > 0 ? reader.u8() : 0;
      return { type, id, code, properties: five && reader.left > 0 ? readProperties(reader) : none() };
    }
    case "suback":
    case "unsuback":
      return { type, id: identifier(reader), properties: properties(), codes: [...reader.rest()] };
    case "pingresp":
      return { type };
    case "disconnect":
    case "auth": {
      if (!five) throw new Error(`a server of 3.1.1 sends no ${type}`);
      const code = reader.left > 0 ? reader.u8() : 0;
      return { type, code, properties: reader.left > 0 ? readProperties(reader) : none() };
    }
  }
}

function readPublish(flags: number, reader: Reader, properties: () => Properties): Published {
  const qos = (flags >> 1) & 3;
  const dup = (flags & 8) !== 0;
  if (qos === 3) throw new Error("publish: QoS 3");
  if (dup && qos === 0) throw new Error("publish: DUP with QoS 0");
  const topic = reader.string();
  if (topic === "") throw new Error("publish: an alias, though this client allows none");
  return {
    type: "publish",
    topic,
    qos,
    dup,
    retain: (flags & 1) !== 0,
    id: qos > 0 ? identifier(reader) : 0,
    properties: properties(),
    payload: reader.rest().toString("latin1"),
  };
}

function identifier(reader: Reader): number {
  const id = reader.u16();
  if (id === 0) throw new Error("packet identifier 0");
  return id;
}
