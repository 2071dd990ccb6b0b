import { setTimeout as sleep } from "node:timers/promises";
import { Tally } from "../load/tally.js";
import { Connection } from "./connection.js";
import { HttpPublisher, type Publisher } from "./http-publisher.js";
import type { FanoutReport, Order, Publishing } from "./orders.js";
import { type Lane, mqtt, type Wire, webSocket } from "./wires.js";

type Connect = Extract<Order, { kind: "connect" }>;
type Flood = Extract<Order, { kind: "flood" }>;
type Paced = Extract<Order, { kind: "paced" }>;

/** Connections that are being opened at once. */
const AT_ONCE = 64;
const TICK_MS = 1;
const DRAIN_MS = 10_000;
const ID = Buffer.from('"id":"');
const NOTHING = { published: 0, deliveries: 0, perSecond: 0, p50Ms: 0, p99Ms: 0 };

/** One run's events and what became of them. */
class Run {
  published = 0;
  deliveries = 0;
  readonly from: number;
  readonly until: number;
  private measured = 0;

  constructor(
    private readonly order: Publishing,
    private readonly publishers: readonly Publisher[],
    /** Ids begin there: none comes twice. */
    readonly first: number,
  ) {
    this.from = performance.now() + order.warmUpMs;
    this.until = this.from + order.measureMs;
  }

  publish(more: object = {}): void {
    const number = this.published++;
    const event = { ...this.order.event, ...more, id: String(this.first + number) };
    this.publishers[number % this.publishers.length]?.publish(number, event, this.order.payloadBytes);
  }

  delivered(count: number, now: number): void {
    this.deliveries += count;
    if (now >= this.from && now < this.until) this.measured += count;
  }

  /** Waits for what is still on its way, as long as it can come. */
  async drain(expected: number, isBroken: () => boolean): Promise<void> {
    const deadline = performance.now() + DRAIN_MS;
    while (this.deliveries < expected && !isBroken() && performance.now() < deadline) await sleep(TICK_MS);
  }

  get report(): Pick<FanoutReport, "published" | "deliveries" | "perSecond"> {
    const { published, deliveries, measured, order } = this;
    return { published, deliveries, perSecond: measured / (order.measureMs / 1000) };
  }
}

/** The subscribers and publishers of one server. */
export class Client {
  private readonly subscribers: Connection[] = [];
  private readonly publishers: Publisher[] = [];
  private opened = 0;
  private last: Run | undefined;
  private failures: Record<string, number> = {};
  private onDeliveries: (count: number) => void = () => undefined;

  /** One order at a time. Raises Error when a connection cannot be opened. */
  async obey(order: Order): Promise<FanoutReport> {
    this.failures = {};
    switch (order.kind) {
      case "connect":
        await this.openAll(order);
        break;
      case "flood":
        return { ...(await this.flood(order)), failures: this.failures };
      case "paced":
        return { ...(await this.paced(order)), failures: this.failures };
      case "close":
        for (const each of this.subscribers.splice(0)) each.close();
        for (const each of this.publishers.splice(0)) each.close();
    }
    return { ...NOTHING, failures: this.failures };
  }

  private async openAll(order: Connect): Promise<void> {
    const wire = order.wire === "mqtt" ? mqtt : webSocket;
    const { http } = order;
    if (http === undefined) await this.openEach(order, wire, order.publishers, this.publishers);
    else {
      for (const { key = "" } of order.publishers) {
        this.publishers.push(await HttpPublisher.open(http, key, (reason) => this.failed(reason)));
      }
    }
    await this.openEach(order, wire, order.subscribers, this.subscribers);
  }

  private async openEach(
    { to }: Connect,
    wire: Wire,
    lanes: readonly Lane[],
    into: (Connection | Publisher)[],
  ): Promise<void> {
    const events = {
      onDeliveries: (count: number) => this.onDeliveries(count),
      onBroken: (reason: string) => this.failed(reason),
    };
    const rest = lanes.values();
    const worker = async () => {
      for (const lane of rest) into.push(await Connection.open(to, lane, this.opened++, wire, events));
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  private async flood(order: Flood): Promise<Omit<FanoutReport, "failures">> {
    const each = this.subscribers.length;
    const run = this.run(order);
    const mostUnderWay = (order.window - 1) * each;
    this.onDeliveries = (count) => {
      const now = performance.now();
      run.delivered(count, now);
      while (now < run.until && run.published * each - run.deliveries <= mostUnderWay) run.publish();
    };
    for (let index = 0; index < order.window; index++) run.publish();
    await sleep(order.warmUpMs + order.measureMs);
    await this.end(run, each);
    return { ...NOTHING, ...run.report };
  }

  private async paced(order: Paced): Promise<Omit<FanoutReport, "failures">> {
    const run = this.run(order);
    const tally = new Tally(run.from, Number.POSITIVE_INFINITY);
    const due: number[] = [];
    this.onDeliveries = (count) => run.delivered(count, performance.now());
    for (const { reader } of this.subscribers) {
      reader.onDelivery = (payload) => tally.took(due[numberOf(payload) - run.first] ?? 0, performance.now());
    }
    const everyMs = 1000 / order.perSecond;
    for (let next = performance.now(); next < run.until; ) {
      const now = performance.now();
      for (; next <= now && next < run.until; next += everyMs) {
        due.push(next);
        run.publish({ place: `Room ${run.published % order.places}` });
      }
      await sleep(TICK_MS);
    }
    await this.end(run, 1);
    for (const { reader } of this.subscribers) reader.onDelivery = undefined;
    const { p50Ms, p99Ms } = tally.report(this.subscribers.length, performance.now());
    return { ...run.report, p50Ms, p99Ms };
  }

  private run(order: Publishing): Run {
    const first = this.last === undefined ? 0 : this.last.first + this.last.published;
    this.last = new Run(order, this.publishers, first);
    return this.last;
  }

  /** What does not come, or comes to whom it is not for, is a failure. */
  private async end(run: Run, each: number): Promise<void> {
    const expected = run.published * each;
    await run.drain(expected, () => Object.keys(this.failures).length > 0);
    if (run.deliveries !== expected) this.failed(`${run.deliveries} deliveries instead of ${expected}`);
  }

  private failed(reason: string): void {
    this.failures[reason] = (this.failures[reason] ?? 0) + 1;
  }
}

/** The publisher's id of an event, which is its number. */
function numberOf(payload: Buffer): number {
  const start = payload.indexOf(ID) + ID.length;
  return Number(payload.toString("latin1", start, payload.indexOf(0x22, start)));
}
