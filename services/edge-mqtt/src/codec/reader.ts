import { isUtf8 } from "node:buffer";
import { malformed } from "./reason.js";

const REPLACEMENT = "\ufffd";

/**
 * Reads the parts of one packet's body in their order. Raises BadPacket (malformed) where the body ends too
 * early or a text is no text. One reader serves all packets of a process, one after another.
 */
export class Reader {
  buffer: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;

  /** From now on reads `buffer` from `at` up to `end`. */
  open(buffer: Buffer, at: number, end: number): this {
    this.buffer = buffer;
    this.at = at;
    this.end = end;
    return this;
  }

  get left(): number {
    return this.end - this.at;
  }

  byte(): number {
    return this.buffer[this.take(1)] as number;
  }

  /** Two Byte Integer (1.5.2). */
  uint16(): number {
    const at = this.take(2);
    return ((this.buffer[at] as number) << 8) | (this.buffer[at + 1] as number);
  }

  /** Four Byte Integer (1.5.3). */
  uint32(): number {
    return this.buffer.readUInt32BE(this.take(4));
  }

  /** Variable Byte Integer (1.5.5), in as few bytes as it needs [MQTT-1.5.5-1]. */
  variable(): number {
    let value = 0;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw malformed("a variable byte integer is longer than it needs to be");
        return value;
      }
    }
    throw malformed("a variable byte integer has more than four bytes");
  }

  /** Binary Data (1.5.6): a view on the packet. */
  binary(): Buffer {
    const length = this.uint16();
    const at = this.take(length);
    return this.buffer.subarray(at, at + length);
  }

  /**
   * UTF-8 Encoded String (1.5.4): well-formed, without encoded surrogates [MQTT-1.5.4-1], without
   * U+0000 [MQTT-1.5.4-2]; U+FEFF stays [MQTT-1.5.4-3].
   */
  text(): string {
    const length = this.uint16();
    const at = this.take(length);
    const text = this.buffer.toString("utf8", at, at + length);
    if (text.includes("\0")) throw malformed("a text holds U+0000");
    if (text.includes(REPLACEMENT) && !isUtf8(this.buffer.subarray(at, at + length))) {
      throw malformed("a text is not UTF-8");
    }
    return text;
  }

  /** Non-zero Packet Identifier [MQTT-2.2.1-3] (3.1.1: [MQTT-2.3.1-1]). */
  packetId(): number {
    const id = this.uint16();
    if (id === 0) throw malformed("a packet identifier is 0");
    return id;
  }

  /** What is left of the packet: a view on it. */
  rest(): Buffer {
    const rest = this.buffer.subarray(this.at, this.end);
    this.at = this.end;
    return rest;
  }

  /** Nothing may follow. */
  finish(): void {
    if (this.at !== this.end) throw malformed("the packet is longer than what it holds");
  }

  private take(bytes: number): number {
    const at = this.at;
    if (at + bytes > this.end) throw malformed("the packet ends too early");
    this.at = at + bytes;
    return at;
  }
}
