import { setTimeout as sleep } from "node:timers/promises";
import { Tally } from "../load/tally.js";
import { type MqttReport, type Order, type SentLane, slotOf } from "./orders.js";
import { Publisher, type PublisherEvents } from "./publisher.js";

type Closed = Extract<Order, { kind: "closed" }>;
type Open = Extract<Order, { kind: "open" }>;
type Hold = Extract<Order, { kind: "hold" }>;

/** Connections that are being opened at once. */
const AT_ONCE = 64;
const TICK_MS = 1;
const DRAIN_MS = 10_000;

/** Counts what a run's acknowledgements took. */
class Times {
  readonly tally: Tally;
  readonly counts: number[] = [];

  constructor(
    readonly from: number,
    readonly until: number,
  ) {
    this.tally = new Tally(from, until);
  }

  took(since: number, now: number): void {
    this.tally.took(since, now);
    if (now < this.from || now >= this.until) return;
    const slot = slotOf(now - since);
    this.counts[slot] = (this.counts[slot] ?? 0) + 1;
  }

  report(open: number, end?: number): MqttReport {
    return { ...this.tally.report(open, end), times: Array.from(this.counts, (count) => count ?? 0) };
  }
}

async function openAll(
  { to, lanes, window }: { to: Hold["to"]; lanes: readonly SentLane[]; window: number },
  events: PublisherEvents,
): Promise<Publisher[]> {
  const publishers: Publisher[] = [];
  const rest = lanes.values();
  const worker = async () => {
    for (const { payload, ...lane } of rest) {
      const whole = { ...lane, payload: Buffer.from(payload, "base64") };
      publishers.push(await Publisher.open(to, whole, window, events));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return publishers;
}

function closeAll(publishers: readonly Publisher[]): number {
  const open = publishers.filter((publisher) => publisher.isOpen).length;
  for (const publisher of publishers) publisher.close();
  return open;
}

/** Keeps every connection's window full until the time is over, then waits for what is unacknowledged. */
export async function closedRun(order: Closed): Promise<MqttReport> {
  let times: Times | undefined;
  let unacknowledged = 0;
  const publishers = await openAll(order, {
    onAck: (publisher, id) => {
      const now = performance.now();
      times?.took(publisher.since[id] as number, now);
      if (times && now < times.until) publisher.publish(id, now);
      else unacknowledged--;
    },
    onBroken: (reason) => times?.tally.failure(reason),
  });
  const start = performance.now();
  const run = new Times(start + order.warmUpMs, start + order.warmUpMs + order.measureMs);
  times = run;
  unacknowledged = publishers.length * order.window;
  for (const publisher of publishers) {
    for (let id = 1; id <= order.window; id++) publisher.publish(id, start);
  }
  await sleep(order.warmUpMs + order.measureMs);
  const deadline = performance.now() + DRAIN_MS;
  const anyOpen = () => publishers.some((publisher) => publisher.isOpen);
  while (unacknowledged > 0 && anyOpen() && performance.now() < deadline) await sleep(TICK_MS);
  if (unacknowledged > 0) run.tally.failure(`${unacknowledged} messages without an acknowledgement`);
  return run.report(closeAll(publishers));
}

/** Messages that find no free id wait; their time counts from when they were due. */
export async function openRun(order: Open): Promise<MqttReport> {
  const free: [Publisher, number][] = [];
  const waiting: number[] = [];
  let underWay = 0;
  let times: Times | undefined;
  const send = (publisher: Publisher, id: number, due: number) => {
    underWay++;
    publisher.publish(id, due);
  };
  const publishers = await openAll(order, {
    onAck: (publisher, id) => {
      underWay--;
      times?.took(publisher.since[id] as number, performance.now());
      const due = waiting.shift();
      if (due === undefined) free.push([publisher, id]);
      else send(publisher, id, due);
    },
    onBroken: (reason) => times?.tally.failure(reason),
  });
  for (let id = 1; id <= order.window; id++) for (const publisher of publishers) free.push([publisher, id]);
  const queue = new Ring(free);
  const start = performance.now();
  const until = start + order.warmUpMs + order.measureMs;
  const run = new Times(start + order.warmUpMs, Number.POSITIVE_INFINITY);
  times = run;
  const everyMs = 1000 / order.perSecond;
  for (let next = start; next < until; ) {
    const now = performance.now();
    for (; next <= now && next < until; next += everyMs) {
      const slot = queue.take();
      if (slot) send(slot[0], slot[1], next);
      else waiting.push(next);
    }
    await sleep(TICK_MS);
  }
  const deadline = performance.now() + DRAIN_MS;
  while ((underWay > 0 || waiting.length > 0) && performance.now() < deadline) await sleep(TICK_MS);
  const left = underWay + waiting.length;
  if (left > 0) run.tally.failure(`${left} messages without an acknowledgement`);
  return run.report(closeAll(publishers), performance.now());
}

/** Takes from the front of a list to whose end others add, without moving what is in it each time. */
class Ring<T> {
  #head = 0;
  constructor(private readonly items: T[]) {}

  take(): T | undefined {
    if (this.#head === this.items.length) return undefined;
    const item = this.items[this.#head++];
    if (this.#head > 4096 && this.#head * 2 > this.items.length) {
      this.items.splice(0, this.#head);
      this.#head = 0;
    }
    return item;
  }
}

/** Connections that are only held. */
export class HoldRun {
  readonly #times = new Times(0, Number.POSITIVE_INFINITY);
  #publishers: Publisher[] = [];

  async start(order: Hold): Promise<MqttReport> {
    this.#publishers = await openAll(order, {
      onAck: () => undefined,
      onBroken: (reason) => this.#times.tally.failure(reason),
    });
    return this.report();
  }

  report(): MqttReport {
    return this.#times.report(this.#publishers.filter((publisher) => publisher.isOpen).length);
  }

  /** What was still open just before closing everything. */
  release(): MqttReport {
    return this.#times.report(closeAll(this.#publishers));
  }
}
