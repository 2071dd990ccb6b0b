import { connect, type Socket } from "node:net";
import type { Address } from "../load/orders.js";

/** Whoever sends events. */
export interface Publisher {
  publish(number: number, event: object, payloadBytes: number): void;
  close(): void;
}

const STATUS = /HTTP\/1\.1 (\d{3})/g;
const CREATED = "201";

/** A device's connection: each event is a request of its own, which does not wait for the answer to the last one. */
export class HttpPublisher implements Publisher {
  private isOpen = true;

  private constructor(
    private readonly socket: Socket,
    private readonly head: string,
  ) {}

  static open(to: Address, key: string, onBroken: (reason: string) => void): Promise<HttpPublisher> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...to, noDelay: true });
      const head = [
        "POST /v1/namespaces/default/events HTTP/1.1",
        `Host: ${to.host}`,
        `Authorization: Bearer ${key}`,
        "Content-Type: application/json",
      ].join("\r\n");
      const publisher = new HttpPublisher(socket, head);
      socket.once("connect", () => resolve(publisher));
      socket.once("error", reject);
      socket.once("close", () => {
        if (publisher.isOpen) onBroken("the server closed the connection");
      });
      socket.on("data", (chunk) => {
        // A status line that two chunks share is not looked at; what was refused is missed at the subscribers.
        for (const [, status] of chunk.toString("latin1").matchAll(STATUS)) {
          if (status !== CREATED) onBroken(`HTTP ${status}`);
        }
      });
    });
  }

  publish(_: number, event: object): void {
    const body = JSON.stringify(event);
    this.socket.write(`${this.head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  close(): void {
    this.isOpen = false;
    this.socket.destroy();
  }
}
