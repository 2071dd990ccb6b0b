import { DeviceClient } from "@fieldlog/device-client";

// Two devices of one namespace: a lamp that is switched on when a door is opened.

const start = (deviceId) =>
  DeviceClient.start({
    deviceId,
    provisioningToken: process.env.FIELDLOG_PROVISIONING_TOKEN,
    instance: process.env.FIELDLOG_INSTANCE,
    mqttPort: Number(process.env.FIELDLOG_MQTTS_PORT ?? "8883"),
    db: `${deviceId}.db`,
  });
const [door, lamp] = [await start("front-door"), await start("hall-lamp")];

const switched = new Promise((resolve) => {
  void lamp.subscribe("events/front-door/door", async ({ payload }) => {
    const event = JSON.parse(Buffer.from(payload).toString());
    if (event.action !== "opened") return;
    await lamp.publishEvent({ name: "lamp", action: "on", place: "hall" });
    resolve();
  });
});
await door.publishEvent({ name: "door", action: "opened", place: "hall" });
await switched;
await lamp.waitEnqueuedMessagesSent();
await Promise.all([door.close(), lamp.close()]);
