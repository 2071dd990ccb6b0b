import { Connection } from "./connection.js";
import type { LoadReport, Order } from "./orders.js";
import type { RequestList } from "./requests.js";
import { Tally } from "./tally.js";

/** Every connection sends its next request as soon as the last one is answered: shows the peak rate. */
export async function closedRun(
  order: Extract<Order, { kind: "closed" }>,
  lists: readonly RequestList[],
): Promise<LoadReport> {
  const start = performance.now();
  const until = start + order.warmUpMs + order.measureMs;
  const tally = new Tally(start + order.warmUpMs, until);
  let end = until;
  let open = 0;
  await Promise.all(
    lists.map(async (list) => {
      let sentAt = 0;
      let finished: () => void = () => undefined;
      const done = new Promise<void>((resolve) => {
        finished = resolve;
      });
      const sendNext = (connection: Connection, now: number) => {
        const request = now < end ? list.take(order.again) : undefined;
        if (request) {
          sentAt = now;
          connection.send(request);
          return;
        }
        // One connection without further requests would lower the load, so the measuring ends with it.
        if (now < end) {
          tally.ranOut = true;
          end = now;
        }
        connection.close();
        open++;
        finished();
      };
      const connection = await Connection.open(
        order.to,
        (self, status) => {
          const now = performance.now();
          tally.answer(status, sentAt, now);
          sendNext(self, now);
        },
        (_, reason) => {
          tally.failure(reason);
          finished();
        },
      );
      sendNext(connection, performance.now());
      await done;
    }),
  );
  return tally.report(open, end);
}
