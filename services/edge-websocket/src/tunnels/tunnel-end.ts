import { limits, type TunnelEnd as Side } from "@fieldlog/contracts";
import type { TunnelFrame } from "@fieldlog/remote";
import { type Closing, closings, reasonText } from "./closing.js";

/** What an end needs of its WebSocket. */
export interface TunnelSocket {
  send(data: Uint8Array, options: { binary: true }, done: (error?: Error | null) => void): void;
  ping(): void;
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** How it was. */
export interface Over extends Closing {
  /** Bytes that went to the other end, and those that came from there and went to the socket. */
  readonly sent: number;
  readonly taken: number;
}

export interface TunnelEndOptions {
  readonly side: Side;
  readonly socket: TunnelSocket;
  /** To the other end, in order. */
  readonly send: (frame: TunnelFrame) => void;
  readonly onOver: (over: Over) => void;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Bytes of one frame between two edges. */
const FRAME_BYTES = 64 * 1024;
const PING_MS = 30_000;
const NO_BYTES = new Uint8Array();

/**
 * One end of a tunnel: what comes from its WebSocket goes to the other end, as far as that has room, and the other way
 * around. Bytes that get lost in between end the tunnel. An empty message says that no bytes follow in its direction.
 */
export class TunnelEnd {
  private begun = false;
  private over = false;
  private paused = false;
  private readonly waiting: Uint8Array[] = [];
  /** From the socket to the other end. */
  private sent = 0;
  private takenThere = 0;
  private ended = false;
  private endTold = false;
  /** From the other end to the socket. */
  private received = 0;
  private taken = 0;
  private takenTold = 0;
  private endHeard = false;
  /** The socket is closed; what it sent before still goes. */
  private leaving: (Closing & { readonly since: number }) | undefined;
  /** The other end is over, in good order; what came from it still goes to the socket. */
  private left: (Closing & { readonly since: number }) | undefined;
  private isAlive = true;
  private pingedAt: number;
  private heardAt: number;
  private toldAt = 0;
  private bytesAt: number;

  constructor(private readonly options: TunnelEndOptions) {
    const now = options.now();
    [this.pingedAt, this.heardAt, this.bytesAt] = [now, now, now];
  }

  /** The other end is there. */
  begin(): void {
    if (this.begun || this.over) return;
    this.begun = true;
    this.heardAt = this.options.now();
    this.tell();
    this.pump();
  }

  /** From the socket. */
  message(data: Uint8Array, isBinary: boolean): void {
    if (this.over || this.leaving || this.left) return;
    if (!isBinary || this.ended) this.end(closings.notBinary);
    else if (data.length === 0) this.ended = true;
    else this.waiting.push(data);
    this.bytesAt = this.options.now();
    this.pump();
  }

  pong(): void {
    this.isAlive = true;
  }

  /** The socket is closed, by whoever is there (1000, 1001, 1005), or it broke. */
  closed(code: number): void {
    if (this.over || this.leaving) return;
    if (this.left) {
      this.finish(this.left);
      return;
    }
    const closing = this.closingOf(code);
    const { now } = this.options;
    this.leaving = { ...closing, since: now() };
    if (this.begun) this.pump();
    else this.end(closing);
  }

  /** From the other end. */
  frame({ sent, taken, data, ended, closing }: TunnelFrame): void {
    if (this.over || this.left) return;
    const now = this.options.now();
    this.heardAt = now;
    if (sent !== this.received) {
      this.end(closings.bytesLost);
      return;
    }
    this.takenThere = Math.max(this.takenThere, taken);
    if (data.length > 0) this.deliver(data, now);
    if (ended && !this.endHeard) {
      this.endHeard = true;
      this.give(NO_BYTES);
    }
    if (closing === undefined) this.pump();
    else this.otherEnd(closing, now);
  }

  /** Here and there. */
  end(closing: Closing): void {
    if (this.over) return;
    if (this.begun) this.tell({ closing });
    this.finish(closing);
  }

  /** Once a second. */
  tick(now: number): void {
    if (this.over) return;
    if (this.left && now - this.left.since > limits.tunnelLostMs) this.finish(this.left);
    else if (this.leaving && now - this.leaving.since > limits.tunnelLostMs) this.end(this.leaving);
    else if (this.begun && now - this.heardAt > limits.tunnelLostMs) this.end(closings.edgeLost);
    else if (now - this.bytesAt > this.idleMs) this.end(closings.idle);
    else {
      if (this.begun && now - this.toldAt >= limits.tunnelBeatMs) this.tell();
      if (now - this.pingedAt >= PING_MS) this.ping(now);
    }
  }

  /** As what it counts that the socket is closed. */
  private closingOf(code: number): Closing {
    const { side } = this.options;
    if (code !== 1_000 && code !== 1_001 && code !== 1_005) return closings.broke(side);
    return this.ended && this.endHeard ? closings.bothEnded : closings.done(side);
  }

  private otherEnd(closing: Closing, since: number): void {
    if (closing.code !== closings.bothEnded.code || this.leaving) {
      this.finish(closing);
      return;
    }
    this.left = { ...closing, since };
    this.settle();
  }

  private get idleMs(): number {
    return this.ended || this.endHeard ? limits.tunnelHalfIdleMs : limits.tunnelIdleMs;
  }

  private ping(now: number): void {
    // Who is not read from cannot answer.
    if (!this.isAlive && !this.paused) {
      this.options.socket.terminate();
      return;
    }
    this.isAlive = false;
    this.pingedAt = now;
    this.options.socket.ping();
  }

  private deliver(data: Uint8Array, now: number): void {
    this.received += data.length;
    this.bytesAt = now;
    this.give(data, () => {
      this.taken += data.length;
      if (this.taken - this.takenTold >= limits.tunnelWindowBytes / 4) this.tell();
      this.settle();
    });
  }

  private give(data: Uint8Array, taken: () => void = () => this.settle()): void {
    if (this.leaving) return;
    this.options.socket.send(data, { binary: true }, (error) => {
      if (!error && !this.over) taken();
    });
  }

  /** Sends what waits, as far as the other end has room, and reads from the socket as long as nothing waits. */
  private pump(): void {
    if (this.over || this.left) return;
    let room = this.begun ? limits.tunnelWindowBytes - (this.sent - this.takenThere) : 0;
    while (this.waiting.length > 0 && room > 0) {
      const [first = NO_BYTES] = this.waiting;
      const data = first.subarray(0, Math.min(FRAME_BYTES, room));
      if (data.length === first.length) this.waiting.shift();
      else this.waiting[0] = first.subarray(data.length);
      this.tell({ data });
      this.sent += data.length;
      room -= data.length;
    }
    this.read(this.waiting.length === 0);
    if (this.waiting.length > 0 || !this.begun) return;
    if (this.ended && !this.endTold) {
      this.endTold = true;
      this.tell({ ended: true });
    }
    if (this.leaving) this.end(this.leaving);
    else this.settle();
  }

  private read(yes: boolean): void {
    if (yes !== this.paused || this.leaving) return;
    this.paused = !yes;
    // A pong may have waited in it.
    this.isAlive = true;
    if (yes) this.options.socket.resume();
    else this.options.socket.pause();
  }

  /** Whether all is said. One of the two decides, so that both tell the same. */
  private settle(): void {
    if (this.taken !== this.received) return;
    if (this.left) this.finish(this.left);
    else if (this.endTold && this.endHeard && this.options.side === "operator") this.end(closings.bothEnded);
  }

  private tell(more: Partial<TunnelFrame> = {}): void {
    this.takenTold = this.taken;
    this.toldAt = this.options.now();
    const { sent, taken } = this;
    this.options.send({ sent, taken, data: NO_BYTES, ended: false, closing: undefined, ...more });
  }

  private finish({ code, reason }: Closing): void {
    this.over = true;
    this.read(true);
    this.waiting.length = 0;
    this.options.socket.close(code, reasonText(reason));
    this.options.onOver({ code, reason, sent: this.sent, taken: this.taken });
  }
}
