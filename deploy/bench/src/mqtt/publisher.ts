import { connect, type Socket } from "node:net";
import type { Address } from "../load/orders.js";
import { AckReader, connectPacket, type Login, publishPacket } from "./packets.js";

/** What one connection sends. */
export interface Lane extends Login {
  readonly topic: string;
  readonly payload: Uint8Array;
}

export interface PublisherEvents {
  /** A publish was acknowledged; the id is free again. */
  onAck(publisher: Publisher, id: number): void;
  /** The connection is no more, without `close` having been called. */
  onBroken(reason: string): void;
}

const READ_BYTES = 16 * 1024;

/** One MQTT connection that publishes with QoS 1. What is sent while a read is handled is written at once. */
export class Publisher {
  /** When the message with that id was sent, or due: by `performance.now()`. */
  readonly since: Float64Array;
  readonly #socket: Socket;
  readonly #template: Buffer;
  readonly #idAt: number;
  #open = true;
  #queue: number[] = [];
  #flushing = false;

  private constructor(socket: Socket, lane: Lane, window: number) {
    this.#socket = socket;
    this.since = new Float64Array(window + 1);
    this.#template = publishPacket(lane.topic, 1, lane.payload);
    this.#idAt = this.#template.length - lane.payload.length - 2;
  }

  /** Resolves when the broker has granted the connection. Ids 1 to `window` can be used, each when it is free. */
  static open(to: Address, lane: Lane, window: number, events: PublisherEvents): Promise<Publisher> {
    return new Promise((resolve, reject) => {
      const reader = new AckReader();
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      const onAck = (id: number) => {
        if (id === 0) resolve(publisher);
        else events.onAck(publisher, id);
      };
      const socket = connect({
        ...to,
        noDelay: true,
        onread: {
          buffer,
          callback: (length) => {
            try {
              reader.push(buffer.subarray(0, length), onAck);
              publisher.#flush();
            } catch (error) {
              broken((error as Error).message);
            }
            return true;
          },
        },
      });
      const publisher = new Publisher(socket, lane, window);
      const broken = (reason: string) => {
        socket.destroy();
        reject(new Error(reason));
        if (!publisher.#open) return;
        publisher.#open = false;
        events.onBroken(reason);
      };
      socket.once("connect", () => socket.write(connectPacket(lane, 0)));
      socket.once("error", (error) => broken(error.message));
      socket.once("close", () => broken("the broker closed the connection"));
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Sends the message under that id; `since` is what its acknowledgement is timed from. */
  publish(id: number, since: number): void {
    this.since[id] = since;
    this.#queue.push(id);
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => this.#flush());
  }

  close(): void {
    this.#open = false;
    this.#socket.destroy();
  }

  #flush(): void {
    this.#flushing = false;
    const ids = this.#queue;
    if (ids.length === 0) return;
    this.#queue = [];
    const { length } = this.#template;
    const bytes = Buffer.allocUnsafe(length * ids.length);
    for (let i = 0; i < ids.length; i++) {
      this.#template.copy(bytes, i * length);
      bytes.writeUInt16BE(ids[i] as number, i * length + this.#idAt);
    }
    this.#socket.write(bytes);
  }
}
