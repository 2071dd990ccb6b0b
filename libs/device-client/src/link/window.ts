/** A publish that the platform has not acknowledged yet. */
export interface InFlight {
  /** In the outbox. */
  readonly id: number;
  readonly packetId: number;
  /** As the outbox counts them. */
  readonly bytes: number;
  settled: boolean;
}

/**
 * What is under way: so many publishes, and so many bytes of them, but one at least. Acknowledgments may come in any
 * order; what is taken off is always the oldest, so that one id says how far it is.
 */
export class Window {
  /** By packet id, in the order of sending. */
  private readonly inFlight = new Map<number, InFlight>();
  private bytes = 0;
  private lastPacketId = 0;

  constructor(
    private readonly most: number,
    private readonly mostBytes: number,
  ) {}

  get hasRoom(): boolean {
    return this.inFlight.size < this.most && (this.inFlight.size === 0 || this.bytes < this.mostBytes);
  }

  /** Returns the packet id, which stays below those of other packets. */
  add(id: number, bytes: number): number {
    do this.lastPacketId = (this.lastPacketId % 60_000) + 1;
    while (this.inFlight.has(this.lastPacketId));
    this.inFlight.set(this.lastPacketId, { id, packetId: this.lastPacketId, bytes, settled: false });
    this.bytes += bytes;
    return this.lastPacketId;
  }

  /** Undefined: it is none of these. */
  settle(packetId: number): InFlight | undefined {
    const inFlight = this.inFlight.get(packetId);
    if (inFlight !== undefined) inFlight.settled = true;
    return inFlight;
  }

  /** Takes off the oldest that are settled. Returns the id of the last of them; 0: there are none. */
  takeSettled(): number {
    let throughId = 0;
    for (const oldest of this.inFlight.values()) {
      if (!oldest.settled) break;
      this.inFlight.delete(oldest.packetId);
      this.bytes -= oldest.bytes;
      throughId = oldest.id;
    }
    return throughId;
  }
}
