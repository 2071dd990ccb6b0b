import { limits } from "@fieldlog/contracts";
import type { Reader } from "../codec/reader.js";
import { BadPacket, malformed, Reason } from "../codec/reason.js";

/** No whole packet is there yet. */
export const INCOMPLETE = -1;

/**
 * Cuts a connection's bytes into packets. Keeps what is not taken yet; nothing at all where every packet was
 * whole, as on an idle connection. Packets are views on the chunks that arrived: only one that is spread
 * over several is put together.
 */
export class Framer {
  private buffer: Buffer | undefined;
  private at = 0;
  private end = 0;

  /** @param maximum bytes of one packet, its fixed header included */
  constructor(private readonly maximum: number = limits.mqttPacketBytes) {}

  push(chunk: Buffer): void {
    if (this.buffer === undefined) {
      this.buffer = chunk;
      this.at = 0;
      this.end = chunk.length;
      return;
    }
    const held = this.end - this.at;
    if (this.buffer.length - this.end < chunk.length) {
      // Twice as much as there was, so that a packet that comes in small pieces is copied a few times only.
      const room = Math.min(Math.max(held * 2, held + chunk.length), held + chunk.length + this.maximum);
      const grown = Buffer.allocUnsafeSlow(room);
      this.buffer.copy(grown, 0, this.at, this.end);
      this.buffer = grown;
      this.at = 0;
      this.end = held;
    }
    chunk.copy(this.buffer, this.end);
    this.end += chunk.length;
  }

  /**
   * Opens `reader` on the body of the next packet, and returns the packet's first byte; {@link INCOMPLETE}
   * where it has not arrived in full. Raises BadPacket by the fixed header alone, before the rest is
   * waited for: a remaining length of more than four bytes, or of more than it needs [MQTT-1.5.5-1]; a packet
   * over the maximum.
   */
  next(reader: Reader): number {
    const { buffer, end } = this;
    if (buffer === undefined) return INCOMPLETE;
    let length = 0;
    let at = this.at + 1;
    for (let shift = 0; ; shift += 7) {
      if (at >= end) return INCOMPLETE;
      const byte = buffer[at++] as number;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw malformed("the remaining length is longer than it needs to be");
        break;
      }
      if (shift === 21) throw malformed("the remaining length has more than four bytes");
    }
    if (at - this.at + length > this.maximum) {
      throw new BadPacket(Reason.packetTooLarge, `a packet of over ${this.maximum} bytes`);
    }
    if (at + length > end) return INCOMPLETE;
    const first = buffer[this.at] as number;
    reader.open(buffer, at, at + length);
    this.at = at + length;
    if (this.at === end) this.buffer = undefined;
    return first;
  }

  /** Forgets what is held. */
  clear(): void {
    this.buffer = undefined;
  }
}
