import { Connection } from "./connection.js";
import type { LoadReport, Order } from "./orders.js";
import type { RequestList } from "./requests.js";
import { Tally } from "./tally.js";

/** Connections that are being opened at once; more would overrun the server's backlog. */
const AT_ONCE = 64;

/** Opens a connection per list, sends one request on each, and keeps them all open. */
export class HoldRun {
  readonly #connections: Connection[] = [];
  readonly #tally = new Tally(0, Number.POSITIVE_INFINITY);

  async start(order: Extract<Order, { kind: "hold" }>, lists: readonly RequestList[]): Promise<LoadReport> {
    const rest = lists.values();
    const worker = async () => {
      for (const list of rest) await this.#openOne(order, list);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return this.report();
  }

  async #openOne(order: Extract<Order, { kind: "hold" }>, list: RequestList): Promise<void> {
    const sentAt = performance.now();
    await new Promise<void>((resolve) => {
      Connection.open(
        order.to,
        (_, status) => {
          this.#tally.answer(status, sentAt, performance.now());
          resolve();
        },
        (_, reason) => {
          this.#tally.failure(reason);
          resolve();
        },
      ).then(
        (connection) => {
          this.#connections.push(connection);
          const request = list.take();
          if (request) connection.send(request);
        },
        () => resolve(),
      );
    });
  }

  report(): LoadReport {
    return this.#tally.report(this.#connections.filter((connection) => connection.isOpen).length);
  }

  /** What was still open just before closing everything. */
  release(): LoadReport {
    const report = this.report();
    for (const connection of this.#connections) connection.close();
    return report;
  }
}
