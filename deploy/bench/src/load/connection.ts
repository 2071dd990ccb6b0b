import { connect, type Socket } from "node:net";
import type { Address } from "./orders.js";
import { ResponseReader } from "./response-reader.js";

const READ_BYTES = 16 * 1024;

/** One raw HTTP/1.1 connection with at most one request under way. */
export class Connection {
  readonly #socket: Socket;
  #open = true;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /**
   * Resolves when connected. `onAnswer` gets the status of each answer; `onBroken` is told once why the
   * connection is no more, unless `close` was called.
   */
  static open(
    to: Address,
    onAnswer: (connection: Connection, status: number) => void,
    onBroken: (connection: Connection, reason: string) => void,
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const reader = new ResponseReader();
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      const socket = connect({
        ...to,
        noDelay: true,
        onread: {
          buffer,
          callback: (length) => {
            try {
              const status = reader.push(buffer.subarray(0, length));
              if (status > 0) onAnswer(connection, status);
            } catch (error) {
              broken((error as Error).message);
            }
            return true;
          },
        },
      });
      const connection = new Connection(socket);
      const broken = (reason: string) => {
        socket.destroy();
        if (!connection.#open) return;
        connection.#open = false;
        onBroken(connection, reason);
      };
      socket.once("connect", () => resolve(connection));
      socket.once("error", (error) => {
        reject(error);
        broken(error.message);
      });
      socket.once("close", () => broken("the server closed the connection"));
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  send(request: Buffer): void {
    this.#socket.write(request);
  }

  close(): void {
    this.#open = false;
    this.#socket.destroy();
  }
}
