import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Identity } from "@fieldlog/simulator";
import type { Address, LoadReport, Order, Reply } from "./orders.js";

const GENERATOR = fileURLToPath(new URL("./generator.js", import.meta.url));

/** The load generator, in a process of its own. One order at a time. */
export class Load {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  static async start(devices: readonly Identity[], namespace: string): Promise<Load> {
    const load = new Load(fork(GENERATOR, { stdio: ["ignore", "inherit", "inherit", "ipc"] }));
    await load.#order({ kind: "devices", devices, namespace });
    return load;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  async prepare(connections: number, requests: number): Promise<void> {
    await this.#order({ kind: "prepare", connections, requests });
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

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, "exit");
    this.#process.disconnect();
    await gone;
  }

  async #run(order: Order): Promise<LoadReport> {
    const report = await this.#order(order);
    if (!report) throw new Error(`the load generator has nothing to say to "${order.kind}"`);
    return report;
  }

  async #order(order: Order): Promise<LoadReport | null> {
    const ended = new AbortController();
    try {
      const reply = once(this.#process, "message", { signal: ended.signal }) as Promise<[Reply]>;
      const exit = once(this.#process, "exit", { signal: ended.signal }).then(([code]) => {
        throw new Error(`the load generator ended (${code})`);
      });
      this.#process.send(order);
      const [message] = await Promise.race([reply, exit as Promise<never>]);
      if ("error" in message) throw new Error(`load generator: ${message.error}`);
      return message.report;
    } finally {
      ended.abort();
    }
  }
}
