import { connect, type Socket } from "node:net";
import type { Address } from "../load/orders.js";
import { FrameReader } from "./framing.js";
import type { Lane, Wire } from "./wires.js";

export interface ConnectionEvents {
  onDeliveries(count: number): void;
  /** It is refused, or no more without `close` having been called. */
  onBroken(reason: string): void;
}

// All sockets of the process read into it, one after the other.
const buffer = Buffer.allocUnsafe(64 * 1024);
const HTTP_END = "\r\n\r\n";

/** A subscriber's or publisher's connection. */
export class Connection {
  readonly reader: FrameReader;
  private isOpen = true;
  private upgrade: string | undefined;
  private steps: Buffer[];
  private readonly socket: Socket;

  private constructor(
    to: Address,
    lane: Lane,
    number: number,
    private readonly wire: Wire,
    private readonly events: ConnectionEvents,
    private readonly ready: () => void,
  ) {
    this.steps = [...wire.opening(lane, number)];
    this.upgrade = wire.isUpgraded ? "" : undefined;
    this.reader = new FrameReader(wire.framing, (type, payload) => this.other(type, payload));
    const callback = (length: number) => {
      try {
        this.take(buffer.subarray(0, length));
      } catch (error) {
        this.broken((error as Error).message);
      }
      return true;
    };
    this.socket = connect({ ...to, noDelay: true, onread: { buffer, callback } });
    this.socket.once("connect", () => this.next());
    this.socket.once("error", (error) => this.broken(error.message));
    this.socket.once("close", () => this.broken("the server closed the connection"));
  }

  /** Resolves when the server has granted what it asked for. */
  static open(
    to: Address,
    lane: Lane,
    number: number,
    wire: Wire,
    events: ConnectionEvents,
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const onBroken = (reason: string) => {
        reject(new Error(reason));
        events.onBroken(reason);
      };
      const ready = () => resolve(connection);
      const connection = new Connection(to, lane, number, wire, { ...events, onBroken }, ready);
    });
  }

  publish(number: number, event: object, payloadBytes: number): void {
    this.socket.write(this.wire.publish(number, event, payloadBytes));
  }

  close(): void {
    this.isOpen = false;
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    if (this.upgrade === undefined) {
      const count = this.reader.push(chunk);
      if (count > 0) this.events.onDeliveries(count);
      return;
    }
    const answer = this.upgrade + chunk.toString("latin1");
    const end = answer.indexOf(HTTP_END);
    this.upgrade = end < 0 ? answer : undefined;
    if (end < 0) return;
    if (!answer.startsWith("HTTP/1.1 101")) throw new Error(answer.slice(0, answer.indexOf("\r\n")));
    this.next();
    const rest = Buffer.from(answer.slice(end + HTTP_END.length), "latin1");
    if (rest.length > 0) this.take(rest);
  }

  private other(type: number, payload: Buffer): void {
    const answer = this.wire.answer(type, payload);
    if (answer) this.socket.write(answer);
    else this.next();
  }

  /** The last step was answered. */
  private next(): void {
    const step = this.steps.shift();
    if (step) this.socket.write(step);
    else this.ready();
  }

  private broken(reason: string): void {
    this.socket.destroy();
    if (!this.isOpen) return;
    this.isOpen = false;
    this.events.onBroken(reason);
  }
}
