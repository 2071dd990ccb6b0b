import { rm } from "node:fs/promises";
import { defaultCacheDir, type Mosquitto, obtainMosquitto, type RunningBroker } from "@fieldlog/servers";
import { temporaryDir, until } from "@fieldlog/testkit";
import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Sensor } from "./sensor.js";

const ID = "81bf7042-e20f-4a97-ac44-c15853e3618f";

/** Against another's broker, so that the sensor is held to the protocol and not to our reading of it. */
describe("a sensor", () => {
  let dir: string;
  let mosquitto: Mosquitto | undefined;
  let broker: RunningBroker;
  let listener: MqttClient;
  let sensor: Sensor;
  let seen: { topic: string; body: unknown }[] = [];
  const told = { acknowledged: 0, configured: [] as boolean[], away: 0 };

  const listen = async () => {
    listener = await connectAsync(broker.url, { protocolVersion: 5 });
    listener.on("message", (topic, payload) => seen.push({ topic, body: JSON.parse(payload.toString()) }));
    await listener.subscribeAsync(["measurements/#", "acknowledgments/#", "logs/#"], { qos: 1 });
  };
  const configure = (revision: number, interval_s: number) =>
    listener.publishAsync(
      `configurations/${ID}`,
      JSON.stringify({ revision, configuration: { interval_s } }),
      { qos: 1, retain: true },
    );
  const find = (topic: string, text: string) => () =>
    seen.find((one) => one.topic === `${topic}/${ID}` && JSON.stringify(one.body).includes(text));

  beforeAll(async () => {
    dir = await temporaryDir();
    const progress = (line: string) => process.stderr.write(`${line}\n`);
    mosquitto = await obtainMosquitto({ cacheDir: defaultCacheDir(), progress });
    if (!mosquitto) return;
    broker = await mosquitto.broker({ dataDir: dir });
    await listen();
    await configure(0, 300);
    sensor = new Sensor({
      site: { name: "alki-point", altitude: 4, warmer: 0, windy: 1 },
      identity: { id: ID, secret: "of no matter here" },
      generation: "newer",
      mqttUrl: broker.url,
      random: () => 0.5,
      report: {
        acknowledged: () => told.acknowledged++,
        refused: (reason) => expect.unreachable(reason),
        dropped: () => expect.unreachable("dropped"),
        configured: (success) => told.configured.push(success),
        away: () => told.away++,
      },
    });
  }, 180_000);
  afterAll(async () => {
    await sensor?.close(1_000);
    await listener?.endAsync(true);
    await broker?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it("says that it started, and takes and acknowledges the configuration that waits for it", async () => {
    if (!mosquitto) return;
    await until("it started", find("logs", "started"));
    const acknowledgment = await until("it acknowledged", find("acknowledgments", '"revision":0'));
    expect(acknowledgment.body).toMatchObject([{ revision: 0, success: true }]);
    expect(sensor.intervalS).toBe(300);
  });

  it("takes newer revisions only, and says of one that makes no sense that it could not use it", async () => {
    if (!mosquitto) return;
    await configure(2, 5);
    const failed = await until("it acknowledged", find("acknowledgments", '"revision":2'));
    expect(failed.body).toMatchObject([{ revision: 2, success: false }]);
    await configure(1, 900);
    await configure(3, 1_200);
    await until("it acknowledged", find("acknowledgments", '"revision":3'));
    expect(find("acknowledgments", '"revision":1')()).toBeUndefined();
    expect([sensor.intervalS, told.configured]).toEqual([1_200, [true, false, true]]);
  });

  it("measures under its revision, and tells of frost", async () => {
    if (!mosquitto) return;
    sensor.measure({ temperature: -3, pressure: 1016, wind: 2 }, 1_683_645_000_500);
    const measured = await until("it measured", find("measurements", "temperature"));
    const value = { temperature: -3.03, pressure: 1015.52, wind: 2 };
    expect(measured.body).toEqual([{ timestamp: 1_683_645_000.5, value, revision: 3 }]);
    await until("it tells", find("logs", "it freezes"));
  });

  it("hands over what it measured while the broker was away", async () => {
    if (!mosquitto) return;
    await until("all is acknowledged", () => told.acknowledged >= seen.length);
    await broker.kill();
    await listener.endAsync(true);
    seen = [];
    for (let n = 1; n <= 20; n++) sensor.measure({ temperature: n, pressure: 1016, wind: 2 }, n * 1000);
    await until("it knows", () => told.away > 0);
    broker = await mosquitto.broker({ dataDir: dir, port: broker.port });
    await listen();
    await until(
      "all have come",
      () => seen.filter(({ topic }) => topic.startsWith("measurements")).length >= 20,
    );
    const times = seen
      .filter(({ topic }) => topic.startsWith("measurements"))
      .map(({ body }) => (body as [{ timestamp: number }])[0].timestamp);
    expect([...new Set(times)]).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
    await until("it tells", find("logs", "the server was away"));
  });
});
