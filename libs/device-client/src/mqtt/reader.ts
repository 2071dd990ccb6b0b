import { PacketType, Property } from "./writer.js";

/** What a server sends; what is not needed of a packet is left out. */
export type ServerPacket =
  | ({ readonly type: "connack"; readonly sessionPresent: boolean; readonly code: number } & Told)
  | {
      readonly type: "puback";
      readonly packetId: number;
      readonly code: number;
      readonly reason: string;
    }
  | { readonly type: "unsuback"; readonly packetId: number }
  | { readonly type: "suback"; readonly packetId: number; readonly codes: readonly number[] }
  | { readonly type: "disconnect"; readonly code: number; readonly reason: string }
  | ({ readonly type: "publish" } & InboundPublish)
  | { readonly type: "pingresp" };

export interface InboundPublish {
  readonly topic: string;
  readonly payload: Buffer;
  /** Undefined: QoS 0. */
  readonly packetId: number | undefined;
  /** It may have come before. */
  readonly dup: boolean;
  readonly userProperties: Readonly<Record<string, string>>;
}

/** Properties of a packet from the server, as far as they are looked at. */
interface Told {
  readonly reason: string;
  readonly receiveMaximum: number | undefined;
  readonly maximumPacketSize: number | undefined;
  readonly serverKeepAliveS: number | undefined;
  readonly userProperties: Readonly<Record<string, string>>;
}

/** The server does not keep to MQTT 5. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

/** Cuts what arrives into packets (MQTT 5, section 2.1). */
export class PacketReader {
  private pending: Buffer = Buffer.alloc(0);

  constructor(private readonly maximumPacketSize: number) {}

  /** Raises ProtocolError; then the connection is of no more use. */
  push(chunk: Buffer): ServerPacket[] {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    const packets: ServerPacket[] = [];
    let at = 0;
    for (;;) {
      const header = readHeader(this.pending, at);
      if (header === undefined) break;
      if (header.end - at > this.maximumPacketSize) throw new ProtocolError("a packet is too large");
      if (header.end > this.pending.length) break;
      packets.push(readPacket(this.pending[at] as number, this.pending.subarray(header.start, header.end)));
      at = header.end;
    }
    // A copy: a small rest must not hold a large chunk.
    if (at > 0) this.pending = Buffer.from(this.pending.subarray(at));
    return packets;
  }
}

function readHeader(bytes: Buffer, at: number): { start: number; end: number } | undefined {
  let [length, factor] = [0, 1];
  for (let i = at + 1; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    length += (byte & 127) * factor;
    if (byte < 128) return { start: i + 1, end: i + 1 + length };
    factor *= 128;
    if (factor > 2_097_152) throw new ProtocolError("a length is malformed");
  }
  return undefined;
}

function readPacket(first: number, bytes: Buffer): ServerPacket {
  const body = new Body(bytes);
  switch (first >> 4) {
    case PacketType.CONNACK: {
      const sessionPresent = (body.uint8() & 1) === 1;
      return { type: "connack", sessionPresent, code: body.uint8(), ...body.properties() };
    }
    case PacketType.PUBLISH:
      return { type: "publish", ...readPublish(first, body) };
    case PacketType.PUBACK: {
      const packetId = body.uint16();
      const code = body.left > 0 ? body.uint8() : 0;
      return { type: "puback", packetId, code, reason: body.left > 0 ? body.properties().reason : "" };
    }
    case PacketType.SUBACK: {
      const packetId = body.uint16();
      body.properties();
      return { type: "suback", packetId, codes: [...body.rest()] };
    }
    case PacketType.UNSUBACK:
      return { type: "unsuback", packetId: body.uint16() };
    case PacketType.PINGRESP:
      return { type: "pingresp" };
    case PacketType.DISCONNECT: {
      const code = body.left > 0 ? body.uint8() : 0;
      return { type: "disconnect", code, reason: body.left > 0 ? body.properties().reason : "" };
    }
    default:
      throw new ProtocolError(`a packet of type ${first >> 4} is not expected`);
  }
}

function readPublish(first: number, body: Body): InboundPublish {
  const qos = (first >> 1) & 3;
  if (qos > 1) throw new ProtocolError("a publish with QoS 2 was not asked for");
  const topic = body.text();
  const packetId = qos === 1 ? body.uint16() : undefined;
  const { userProperties } = body.properties();
  return { topic, packetId, dup: (first & 8) !== 0, userProperties, payload: Buffer.from(body.rest()) };
}

const ONE_BYTE = new Set([0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a]);
const TWO_BYTES = new Set([0x13, 0x21, 0x22, 0x23]);
const FOUR_BYTES = new Set([0x02, 0x11, 0x18, 0x27]);
const VARINT = 0x0b;

/** The rest of a packet, read from its start. Raises ProtocolError where it ends too early. */
class Body {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  get left(): number {
    return this.bytes.length - this.at;
  }

  uint8(): number {
    return this.take(1)[0] as number;
  }

  uint16(): number {
    return this.take(2).readUInt16BE();
  }

  text(): string {
    return this.take(this.uint16()).toString("utf8");
  }

  rest(): Buffer {
    return this.take(this.left);
  }

  properties(): Told {
    const end = this.varint() + this.at;
    if (end > this.bytes.length) throw new ProtocolError("a packet is cut off");
    const told = {
      reason: "",
      receiveMaximum: undefined as number | undefined,
      maximumPacketSize: undefined as number | undefined,
      serverKeepAliveS: undefined as number | undefined,
      userProperties: {} as Record<string, string>,
    };
    while (this.at < end) {
      const id = this.uint8();
      const value = this.value(id);
      if (id === Property.REASON) told.reason = String(value);
      else if (id === Property.RECEIVE_MAXIMUM) told.receiveMaximum = Number(value);
      else if (id === Property.MAXIMUM_PACKET_SIZE) told.maximumPacketSize = Number(value);
      else if (id === Property.SERVER_KEEP_ALIVE) told.serverKeepAliveS = Number(value);
      else if (Array.isArray(value)) told.userProperties[value[0]] = value[1];
    }
    return told;
  }

  private value(id: number): number | string | [string, string] {
    if (ONE_BYTE.has(id)) return this.uint8();
    if (TWO_BYTES.has(id)) return this.uint16();
    if (FOUR_BYTES.has(id)) return this.take(4).readUInt32BE();
    if (id === VARINT) return this.varint();
    if (id === Property.USER) return [this.text(), this.text()];
    return this.text();
  }

  private varint(): number {
    let [value, factor] = [0, 1];
    for (let i = 0; i < 4; i++) {
      const byte = this.uint8();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
    throw new ProtocolError("a length is malformed");
  }

  private take(count: number): Buffer {
    const end = this.at + count;
    if (end > this.bytes.length) throw new ProtocolError("a packet is cut off");
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }
}
