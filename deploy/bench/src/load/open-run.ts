import { setTimeout as sleep } from "node:timers/promises";
import { Connection } from "./connection.js";
import type { LoadReport, Order } from "./orders.js";
import type { RequestList } from "./requests.js";
import { Tally } from "./tally.js";

const TICK_MS = 1;
const DRAIN_MS = 10_000;

interface Lane {
  readonly connection: Connection;
  readonly list: RequestList;
  /** When the request that is under way was due. */
  due: number;
}

/**
 * Requests are due at a fixed rate. One that finds no free connection waits, and its time counts from when it
 * was due, so a server that stalls is not spared the requests it would have had to answer meanwhile.
 */
export async function openRun(
  order: Extract<Order, { kind: "open" }>,
  lists: readonly RequestList[],
): Promise<LoadReport> {
  const free: Lane[] = [];
  const waiting: number[] = [];
  let underWay = 0;
  let tally: Tally | undefined;
  const lanes = new Map<Connection, Lane>();

  const send = (lane: Lane, due: number) => {
    const request = lane.list.take();
    if (!request) {
      if (tally) tally.ranOut = true;
      return;
    }
    lane.due = due;
    underWay++;
    lane.connection.send(request);
  };
  const onAnswer = (connection: Connection, status: number) => {
    const lane = lanes.get(connection) as Lane;
    tally?.answer(status, lane.due, performance.now());
    underWay--;
    const due = waiting.shift();
    if (due === undefined) free.push(lane);
    else send(lane, due);
  };
  const onBroken = (_: Connection, reason: string) => {
    tally?.failure(reason);
    underWay--;
  };
  for (const list of lists) {
    const connection = await Connection.open(order.to, onAnswer, onBroken);
    const lane = { connection, list, due: 0 };
    lanes.set(connection, lane);
    free.push(lane);
  }

  const start = performance.now();
  const until = start + order.warmUpMs + order.measureMs;
  tally = new Tally(start + order.warmUpMs, Number.POSITIVE_INFINITY);
  const everyMs = 1000 / order.perSecond;
  for (let next = start; next < until; ) {
    const now = performance.now();
    for (; next <= now && next < until; next += everyMs) {
      const lane = free.shift();
      if (lane) send(lane, next);
      else waiting.push(next);
    }
    await sleep(TICK_MS);
  }
  while ((underWay > 0 || waiting.length > 0) && performance.now() < until + DRAIN_MS) await sleep(TICK_MS);
  const unanswered = underWay + waiting.length;
  if (unanswered > 0) tally.failure(`${unanswered} requests without an answer`);
  let open = 0;
  for (const connection of lanes.keys()) {
    if (connection.isOpen) open++;
    connection.close();
  }
  return tally.report(open, performance.now());
}
