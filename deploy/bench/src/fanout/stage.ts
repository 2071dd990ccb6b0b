import { fileURLToPath } from "node:url";
import { type BenchmarkContext, NoResult } from "../frame/benchmark.js";
import type { Address } from "../load/orders.js";
import { Worker } from "../load/worker.js";
import { withUsage } from "../system/process-usage.js";
import { EVENT, NOBODY } from "./event.js";
import type { FanoutReport, Order, WireName } from "./orders.js";
import type { Lane } from "./wires.js";

const CLIENT = fileURLToPath(new URL("./client.js", import.meta.url));
const WARM_UP_MS = 500;
/** Deliveries that may be under way, as far as that makes whole events. */
const UNDER_WAY = 20_000;
const [LEAST_EVENTS, MOST_EVENTS] = [2, 256];

/** A server that fans out. */
export interface Server {
  readonly name: string;
  readonly address: Address;
  readonly wire: WireName;
  /** Whose use of the processors is told. */
  readonly pids: () => Readonly<Record<string, number>>;
  readonly publishers: readonly Lane[];
  readonly subscriber: (filter: object) => Lane;
  /** Whether it is a peer: what one does not deliver, or delivers twice, is told, and its rate counts. */
  readonly isPeer: boolean;
}

/** A server with its subscribers, all in one client process, the same program for each server. */
export class Stage {
  private readonly client = new Worker<Order, FanoutReport>(CLIENT);
  private count = 0;

  constructor(
    private readonly context: BenchmarkContext,
    readonly server: Server,
    /** Bytes of one delivery. */
    private readonly payloadBytes: number,
  ) {}

  /** So many that get every event. */
  async subscribers(count: number): Promise<void> {
    const { subscriber } = this.server;
    const lane = subscriber({ names: [EVENT.name] });
    await this.connect(Array.from({ length: count - this.count }, () => lane));
  }

  /** One for each of so many places. @param http where events are published by HTTP instead */
  async placed(places: number, http?: Address): Promise<void> {
    const { subscriber } = this.server;
    await this.connect(
      Array.from({ length: places }, (_, index) => subscriber({ places: [`Room ${index}`] })),
      http,
    );
  }

  /** Deliveries per second of events that are for all. */
  async flood(seconds: number): Promise<number> {
    const events = Math.ceil(UNDER_WAY / this.count);
    const window = Math.min(MOST_EVENTS, Math.max(LEAST_EVENTS, events));
    const name = `one event to ${this.count.toLocaleString("en")}`;
    const report = await this.run(name, { ...this.publishing(seconds), kind: "flood", window });
    return report.perSecond;
  }

  /** Events at a fixed rate, each for one of `places` subscribers. */
  paced(seconds: number, perSecond: number, places: number): Promise<FanoutReport> {
    const order = { ...this.publishing(seconds), kind: "paced", perSecond, places } as const;
    return this.run(`${perSecond} events/s, each for one of ${places}`, order);
  }

  async close(): Promise<void> {
    await this.client.order({ kind: "close" });
    this.count = 0;
  }

  async stop(): Promise<void> {
    await this.client.stop();
  }

  private async connect(subscribers: readonly Lane[], http?: Address): Promise<void> {
    const { address, wire, publishers } = this.server;
    const first = this.count === 0;
    this.count += subscribers.length;
    this.checked(
      await this.client.order({
        ...{ kind: "connect", to: address, wire, subscribers, http },
        publishers: first ? publishers : [],
      }),
    );
  }

  private publishing(seconds: number) {
    return {
      event: EVENT,
      payloadBytes: this.payloadBytes,
      warmUpMs: WARM_UP_MS,
      measureMs: seconds * 1000,
    };
  }

  private async run(name: string, order: Order): Promise<FanoutReport> {
    const pids = { ...this.server.pids(), client: this.client.pid };
    const { profiler } = this.context;
    const work = () => this.client.order(order);
    const { result, usage } = await withUsage(pids, work, { what: name, profiler });
    const { published, deliveries, perSecond, p99Ms } = this.checked(result);
    const delay = p99Ms > 0 ? `, delay p99 ${p99Ms.toFixed(1)} ms` : "";
    this.context.progress(
      `${this.server.name}, ${name}: ${Math.round(perSecond)} deliveries/s, ${published} events${delay}; ${usage(deliveries)}`,
    );
    this.context.signal.throwIfAborted();
    return result;
  }

  private checked(report: FanoutReport): FanoutReport {
    const failures = Object.entries(report.failures).map(([reason, count]) => `${count} x ${reason}`);
    if (failures.length === 0) return report;
    if (this.server.isPeer && report.deliveries > 0) {
      this.context.progress(`${this.server.name} did not deliver everything, once: ${failures.join(", ")}`);
      return report;
    }
    throw new NoResult(`${this.server.name} did not deliver everything, once: ${failures.join(", ")}`);
  }
}

/** What a connection of Fieldlog's protocol says first. */
export function hello(filter: object): string {
  return JSON.stringify({ type: "subscribe", namespace: "default", filter, from: "now" });
}

/** A connection that only publishes. */
export const publisher = (key?: string): Lane => ({ hello: hello(NOBODY), ...(key ? { key } : {}) });
