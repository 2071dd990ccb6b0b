import { obeyOrders } from "../load/worker.js";
import type { MqttReport, Order } from "./orders.js";
import { closedRun, HoldRun, openRun } from "./runs.js";

// A generator's process. Several of them share the connections of a run.

let held = new HoldRun();

obeyOrders(async (order: Order): Promise<MqttReport> => {
  switch (order.kind) {
    case "closed":
      return closedRun(order);
    case "open":
      return openRun(order);
    case "hold":
      held = new HoldRun();
      return held.start(order);
    case "release":
      return held.release();
  }
});
