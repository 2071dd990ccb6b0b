import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

type Reply<Report> = { readonly report: Report } | { readonly error: string };

/** A process of its own that obeys one order at a time. */
export class Worker<Order extends object, Report> {
  readonly #process: ChildProcess;

  /**
   * @param script what it runs: it calls {@link obeyOrders}
   * @param options of Node
   */
  constructor(script: string, options: readonly string[] = []) {
    this.#process = fork(script, {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      execArgv: [...process.execArgv, ...options],
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Raises Error when it cannot obey, and when it ends instead. */
  async order(order: Order): Promise<Report> {
    const ended = new AbortController();
    try {
      const reply = once(this.#process, "message", { signal: ended.signal }) as Promise<[Reply<Report>]>;
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

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, "exit");
    this.#process.disconnect();
    await gone;
  }
}

/** What a {@link Worker}'s process does: takes one order at a time from its parent, and answers each. */
export function obeyOrders<Order, Report>(obey: (order: Order) => Promise<Report>): void {
  process.on("message", (order: Order) => {
    const answer = (reply: Reply<Report>) => process.send?.(reply);
    obey(order).then(
      (report) => answer({ report }),
      (error: unknown) =>
        answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  // Ctrl-C reaches every process of the terminal; the parent decides what ends when.
  process.on("SIGINT", () => undefined);
  process.on("disconnect", () => process.exit());
}
