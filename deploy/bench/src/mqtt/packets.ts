// MQTT 3.1.1, only what a publisher sends and gets: what the brokers are compared in must cost the
// generator as little as can be.

const PUBACK = 0x40;
const CONNACK = 0x20;
/** Bytes of a PUBACK, and of a CONNACK. */
const ACK_BYTES = 4;

export interface Login {
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** Section 3.1: a clean session with a keep-alive of so many seconds. */
export function connectPacket({ clientId, username, password }: Login, keepAliveS: number): Buffer {
  const flags = 0x02 | (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40);
  const head = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, flags, keepAliveS >> 8, keepAliveS & 0xff]);
  const texts = [clientId, username, password].filter((text) => text !== undefined).map(prefixed);
  return packet(0x10, Buffer.concat([head, ...texts]));
}

/** Section 3.3: QoS 1. The id is the two bytes before the payload, so that it can be replaced. */
export function publishPacket(topic: string, id: number, payload: Uint8Array): Buffer {
  return packet(0x32, Buffer.concat([prefixed(topic), Buffer.from([id >> 8, id & 0xff]), payload]));
}

function packet(type: number, body: Buffer): Buffer {
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from([type, ...length]), body]);
}

function prefixed(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

/** Reads a broker's answers, in whatever pieces they come. */
export class AckReader {
  #rest = Buffer.alloc(0);

  /**
   * Tells the id of each PUBACK, and 0 for a CONNACK that grants. Raises Error for any other packet: nothing
   * else can come to a publisher.
   */
  push(chunk: Buffer, onAck: (id: number) => void): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (; at + ACK_BYTES <= bytes.length; at += ACK_BYTES) {
      const type = bytes[at] as number;
      const id = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
      if (bytes[at + 1] !== 2) throw new Error("an answer that is no acknowledgement");
      if (type === PUBACK) onAck(id);
      else if (type === CONNACK && id === 0) onAck(0);
      else throw new Error(type === CONNACK ? `refused with ${id & 0xff}` : `a packet of type ${type >> 4}`);
    }
    // The chunk's memory is used again for the next one.
    this.#rest = at === bytes.length ? EMPTY : Buffer.from(bytes.subarray(at));
  }
}

const EMPTY = Buffer.alloc(0);
