import { fileURLToPath } from "node:url";
import type { Identity } from "@fieldlog/simulator";
import type { Address, LoadReport, Order } from "./orders.js";
import { Worker } from "./worker.js";

const GENERATOR = fileURLToPath(new URL("./generator.js", import.meta.url));

/** The load generator, in a process of its own. One order at a time. */
export class Load {
  readonly #worker = new Worker<Order, LoadReport | null>(GENERATOR);

  static async start(devices: readonly Identity[], namespace: string): Promise<Load> {
    const load = new Load();
    await load.#worker.order({ kind: "devices", devices, namespace });
    return load;
  }

  get pid(): number {
    return this.#worker.pid;
  }

  async prepare(connections: number, requests: number): Promise<void> {
    await this.#worker.order({ kind: "prepare", connections, requests });
  }

  closed(to: Address, warmUpMs: number, measureMs: number, again = false): Promise<LoadReport> {
    return this.#run({ kind: "closed", to, warmUpMs, measureMs, again });
  }

  open(to: Address, perSecond: number, warmUpMs: number, measureMs: number): Promise<LoadReport> {
    return this.#run({ kind: "open", to, perSecond, warmUpMs, measureMs });
  }

  hold(to: Address): Promise<LoadReport> {
    return this.#run({ kind: "hold", to });
  }

  release(): Promise<LoadReport> {
    return this.#run({ kind: "release" });
  }

  stop(): Promise<void> {
    return this.#worker.stop();
  }

  async #run(order: Order): Promise<LoadReport> {
    const report = await this.#worker.order(order);
    if (!report) throw new Error(`the load generator has nothing to say to "${order.kind}"`);
    return report;
  }
}
