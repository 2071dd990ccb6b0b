import { closedRun } from "./closed-run.js";
import { HoldRun } from "./hold-run.js";
import { openRun } from "./open-run.js";
import type { LoadReport, Order } from "./orders.js";
import { type RequestList, RequestMaker } from "./requests.js";
import { obeyOrders } from "./worker.js";

// The load generator's process: takes one order at a time from its parent, answers each.

let maker: RequestMaker | undefined;
let lists: RequestList[] = [];
let held: HoldRun | undefined;

async function obey(order: Order): Promise<LoadReport | null> {
  switch (order.kind) {
    case "devices":
      maker = new RequestMaker(order.devices, order.namespace);
      return null;
    case "prepare":
      if (!maker) throw new Error("no devices");
      lists = maker.make(order.connections, order.requests, Date.now());
      return null;
    case "closed":
      for (const list of lists) list.rewind();
      return closedRun(order, lists);
    case "open":
      for (const list of lists) list.rewind();
      return openRun(order, lists);
    case "hold":
      held = new HoldRun();
      return held.start(order, lists);
    case "release":
      return held?.release() ?? null;
  }
}

obeyOrders(obey);
