import { DeviceClient } from "@fieldlog/device-client";

// A weather station: a reading every so often, in a batch for each day, whether or not there is a connection.

const { FIELDLOG_INSTANCE, FIELDLOG_PROVISIONING_TOKEN, FIELDLOG_MQTTS_PORT = "8883" } = process.env;
/** Readings until it ends; by default it goes on. */
const READINGS = Number(process.env.READINGS ?? Number.POSITIVE_INFINITY);

let intervalMs = 60_000;
const client = await DeviceClient.start({
  provisioningToken: FIELDLOG_PROVISIONING_TOKEN,
  instance: FIELDLOG_INSTANCE,
  mqttPort: Number(FIELDLOG_MQTTS_PORT),
  db: "weather-station.db",
  maxBytes: 200 * 1024 * 1024,
  whenFull: "drop-oldest",
  desiredPropertiesUpdated: ({ properties }) => {
    if (properties.intervalMs > 0) intervalMs = properties.intervalMs;
  },
});
await client.patchReportedProperties({ model: "roof-1", node: process.version });

const readings = client.createStreamSender({ compression: "fastest" });
for (let count = 0; count < READINGS; count++) {
  const now = new Date();
  const reading = { timestamp: now, celsius: 11 + 8 * Math.sin(now.getTime() / 1e7), hectopascal: 1013 };
  // On the disk when this returns. The same ids again would be the same message.
  await readings.enqueueMessage(JSON.stringify(reading), {
    batchId: now.toISOString().slice(0, 10),
    messageId: now.toISOString(),
  });
  await new Promise((resolve) => setTimeout(resolve, intervalMs));
}
await client.waitEnqueuedMessagesSent();
await client.close();
