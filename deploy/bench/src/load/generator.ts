import { closedRun } from "./closed-run.js";
import { HoldRun } from "./hold-run.js";
import { openRun } from "./open-run.js";
import type { LoadReport, Order, Reply } from "./orders.js";
import { type RequestList, RequestMaker } from "./requests.js";

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

process.on("message", (order: Order) => {
  const answer = (reply: Reply) => process.send?.(reply);
  obey(order).then(
    (report) => answer({ report }),
    (error: unknown) =>
      answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
// Ctrl-C reaches every process of the terminal; the parent decides what ends when.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit());
