import { DeviceClient } from "./index.js";

// A device in a process of its own, to be killed: 10 batches of 10 messages, each stored before its number is printed.
// Started again, it goes on behind the last number that it is told.
const [options = "{}", from = "0"] = process.argv.slice(2);
const client = await DeviceClient.start({ ...JSON.parse(options), displayProvisioningOperation: () => {} });
const sender = client.createStreamSender({ streamGroup: "fruit", stream: "apples", compression: "fastest" });
for (let i = Number(from); i < 100; i++) {
  const [batchId, messageId] = [`batch-${Math.floor(i / 10)}`, `message-${i % 10}`];
  await sender.enqueueMessage(`${i} `.repeat(100), { batchId, messageId });
  process.stdout.write(`${i}\n`);
}
await client.waitEnqueuedMessagesSent();
await client.close();
process.stdout.write("done\n");
