/** Where a message lies in the bytes that have come. */
export interface Head {
  type: number;
  /** Of its payload. */
  start: number;
  end: number;
}

/** How messages follow each other on a connection. */
export interface Framing {
  /** Bytes of a payload that tell whether it is a delivery. */
  readonly telling: number;
  /** False: not all of the head has come. */
  read(bytes: Buffer, at: number, head: Head): boolean;
  isDelivery(bytes: Buffer, head: Head): boolean;
}

const EVENT = Buffer.from('{"type":"event"');
const TEXT = 1;

/** RFC 6455, 5.2; what comes from a server is not masked. Deliveries are events of Fieldlog's protocol. */
export const webSocketFraming: Framing = {
  telling: EVENT.length,
  read(bytes, at, head) {
    if (at + 2 > bytes.length) return false;
    head.type = (bytes[at] as number) & 0x0f;
    const short = (bytes[at + 1] as number) & 0x7f;
    const more = short === 126 ? 2 : short === 127 ? 8 : 0;
    head.start = at + 2 + more;
    if (head.start > bytes.length) return false;
    const length =
      more === 0 ? short : more === 2 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    head.end = head.start + length;
    return true;
  },
  isDelivery: (bytes, { type, start, end }) =>
    type === TEXT &&
    end - start >= EVENT.length &&
    bytes.compare(EVENT, 0, EVENT.length, start, start + EVENT.length) === 0,
};

const PUBLISH = 3;

/** MQTT 3.1.1, 2.2. Deliveries are publishes with QoS 0. */
export const mqttFraming: Framing = {
  telling: 0,
  read(bytes, at, head) {
    if (at + 2 > bytes.length) return false;
    head.type = (bytes[at] as number) >> 4;
    let length = 0;
    for (let index = 1; index <= 4; index++) {
      const byte = bytes[at + index];
      if (byte === undefined) return false;
      length += (byte & 0x7f) << (7 * (index - 1));
      if (byte > 0x7f) continue;
      head.start = at + index + 1;
      head.end = head.start + length;
      return true;
    }
    throw new Error("a length that is none");
  },
  isDelivery: (_, { type }) => type === PUBLISH,
};

const NOTHING = Buffer.alloc(0);

/** Counts deliveries, in whatever pieces they come, and looks no further into them than it must. */
export class FrameReader {
  private rest = NOTHING;
  /** Bytes that still belong to a delivery which was counted. */
  private skip = 0;
  private readonly head: Head = { type: 0, start: 0, end: 0 };
  /** Gets the payload of each delivery, if it is set: valid during the call. */
  onDelivery: ((payload: Buffer) => void) | undefined;

  constructor(
    private readonly framing: Framing,
    /** Gets what is no delivery. */
    private readonly onOther: (type: number, payload: Buffer) => void,
  ) {}

  /** Returns how many deliveries have begun in the chunk. */
  push(chunk: Buffer): number {
    if (this.skip >= chunk.length) {
      this.skip -= chunk.length;
      return 0;
    }
    const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    let at = this.skip;
    this.skip = 0;
    let count = 0;
    const { framing, head } = this;
    while (at < bytes.length && framing.read(bytes, at, head)) {
      const { start, end } = head;
      if (Math.min(end, start + framing.telling) > bytes.length) break;
      const isDelivery = framing.isDelivery(bytes, head);
      if (end > bytes.length && (!isDelivery || this.onDelivery)) break;
      if (!isDelivery) this.onOther(head.type, bytes.subarray(start, end));
      else {
        count++;
        this.onDelivery?.(bytes.subarray(start, end));
      }
      at = end;
    }
    this.skip = Math.max(0, at - bytes.length);
    // The chunk's memory is used again for the next one.
    this.rest = at >= bytes.length ? NOTHING : Buffer.from(bytes.subarray(at));
    return count;
  }
}
