import { DeviceClient, type StreamSender } from "@fieldlog/device-client";
import { obeyOrders } from "../load/worker.js";
import { type DeviceOrder, type DeviceReport, MESSAGE_BYTES } from "./orders.js";

// A device, in a process of its own: what an application has that does nothing else.

let client: DeviceClient | undefined;
let sender: StreamSender | undefined;
let number = 0;
/** Its number, then a filling. The client copies what it is given, so one will do. */
const payload = Buffer.alloc(MESSAGE_BYTES, "-");
const DIGITS = 10;
payload.write(" ", DIGITS);

async function obey(order: DeviceOrder): Promise<DeviceReport> {
  const start = performance.now();
  if (order.kind === "start") await begin(order.db, order.sink);
  if (order.kind === "enqueue") await enqueue(order.messages, order.atOnce);
  if (order.kind === "drain") await client?.waitEnqueuedMessagesSent();
  const pending = client?.pendingMessagesCount ?? 0;
  if (order.kind === "close") await client?.close();
  return { ms: performance.now() - start, pending };
}

async function begin(
  db: string,
  { httpsPort, mqttPort, ca }: { httpsPort: number; mqttPort: number; ca: string },
) {
  client = await DeviceClient.start({
    ...{ db, provisioningToken: "pt_bench", instance: `localhost:${httpsPort}`, mqttPort, ca },
    backOff: { firstMs: 5, mostMs: 50 },
    displayProvisioningOperation: () => undefined,
  });
  sender = client.createStreamSender({ stream: "s" });
}

async function enqueue(messages: number, atOnce: number): Promise<void> {
  const end = number + messages;
  while (number < end) {
    const calls: (Promise<void> | undefined)[] = [];
    while (calls.length < atOnce && number < end) {
      writeNumber(number++);
      calls.push(sender?.enqueueMessage(payload, { batchId: "b" }));
    }
    await Promise.all(calls);
  }
}

/** Digit by digit: V8 keeps the texts of numbers, and this measures what the client keeps. */
function writeNumber(value: number): void {
  for (let at = DIGITS - 1, rest = value; at >= 0; at--, rest = Math.floor(rest / 10)) {
    payload[at] = 48 + (rest % 10);
  }
}

obeyOrders(obey);
