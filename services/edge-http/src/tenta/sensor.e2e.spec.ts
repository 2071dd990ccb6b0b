import { until } from "@fieldlog/testkit";
import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Person, Tenta } from "./tenta.fixture.js";

// A sensor's whole life: what a person asks by REST, and what the sensor does by MQTT.

let tenta: Tenta;
let person: Person;
let network: string;
let id: string;
let secret: string;
let sensor: string;
const clients: MqttClient[] = [];

beforeAll(async () => {
  tenta = await Tenta.start("tenta_sensor");
  person = await tenta.person();
  network = await tenta.network(person, "valley");
  const { json } = await person.call("POST", `${network}/sensors`, { sensor_name: "gauge" });
  id = json.sensor_identifier;
  secret = json.sensor_secret;
  sensor = `${network}/sensors/${id}`;
});
afterAll(async () => {
  for (const client of clients) client.end(true);
  await tenta?.stop();
});

async function connect(password: string): Promise<MqttClient> {
  const client = await connectAsync(tenta.system.mqttUrl, {
    ...{ username: id, password, protocolVersion: 5, reconnectPeriod: 0 },
  });
  clients.push(client);
  return client;
}
const get = async (what: string) => (await person.call("GET", `${sensor}/${what}`)).json;

describe("a tenta sensor", () => {
  it("gets the newest configuration, and its answer is seen", async () => {
    await person.call("POST", `${sensor}/configurations`, { interval: 60 });
    await person.call("POST", `${sensor}/configurations`, { interval: 30 });
    await until("both are published", async () =>
      (await get("configurations")).every(
        (one: { publication_timestamp: unknown }) => one.publication_timestamp,
      ),
    );
    const client = await connect(secret);
    const received: { revision: number; configuration: unknown }[] = [];
    client.on("message", (_topic, payload) => received.push(JSON.parse(payload.toString())));
    await client.subscribeAsync(`configurations/${id}`, { qos: 1 });
    await until("the newest has come", async () => received.length > 0);
    expect(received).toEqual([{ revision: 1, configuration: { interval: 30 } }]);

    const old = { heartbeats: [{ revision: 0, timestamp: 1683645000.5, success: false }] };
    await client.publishAsync(`heartbeats/${id}`, JSON.stringify(old), { qos: 1 });
    const ack = [{ revision: 1, timestamp: 1683645001, success: true }];
    await client.publishAsync(`acknowledgments/${id}`, JSON.stringify(ack), { qos: 1 });
    await until("both are acknowledged", async () =>
      (await get("configurations")).every((one: { success: unknown }) => one.success !== null),
    );
    expect(await get("configurations")).toMatchObject([
      { revision: 0, success: false, acknowledgement_timestamp: 1683645000.5 },
      { revision: 1, success: true, acknowledgment_timestamp: 1683645001 },
    ]);

    await person.call("POST", `${sensor}/configurations`, { interval: 10 });
    await until("the next one has come", async () => received.length > 1);
    expect(received[1]).toEqual({ revision: 2, configuration: { interval: 10 } });
  });

  it("is heard in the words of both generations", async () => {
    const client = await connect(secret);
    const publish = (topic: string, payload: unknown) =>
      client.publishAsync(`${topic}/${id}`, JSON.stringify(payload), { qos: 1 });
    const value = { temperature: 21.5 };
    await publish("measurements", { measurements: [{ revision: 1, timestamp: 1683645000, value }] });
    await publish("measurements", [{ revision: null, timestamp: 1683645060, value: { temperature: 22 } }]);
    const divided = { severity: "warning", timestamp: 1683645000, subject: "pump", details: "stuck" };
    await publish("log-messages", { log_messages: [divided] });
    await publish("logs", [{ severity: "info", timestamp: 1683645060, message: "pump is well" }]);
    await until("all is there", async () => {
      const [measurements, logs] = [await get("measurements"), await get("logs")];
      return measurements.length === 2 && logs.length === 2;
    });
    expect(await get("measurements")).toEqual([
      { value, revision: 1, creation_timestamp: 1683645000 },
      { value: { temperature: 22 }, revision: null, creation_timestamp: 1683645060 },
    ]);
    expect(await get("logs")).toMatchObject([
      { severity: "warning", subject: "pump", details: "stuck", message: "pump: stuck" },
      { severity: "info", message: "pump is well", subject: "pump is well", details: null },
    ]);
    expect(await get("latest")).toMatchObject({
      last_seen_timestamp: expect.closeTo(Date.now() / 1000, -2),
      values: { temperature: { value: 22, creation_timestamp: 1683645060 } },
    });
  });

  it("sees its refused messages in its own log", async () => {
    const client = await connect(secret);
    const bad = client.publishAsync(`measurements/${id}`, '[{"timestamp":"now","value":{}}]', { qos: 1 });
    await bad.catch(() => undefined);
    await until("it is told", async () =>
      (await get("logs?direction=previous")).some((one: { message: string }) =>
        /measurements/.test(one.message),
      ),
    );
  });

  it("logs in with its newest password only, and with none once it is removed", async () => {
    const { json } = await person.call("POST", `${sensor}/secret`);
    await until("the old password is refused", () =>
      connect(secret).then(
        () => false,
        () => true,
      ),
    );
    await connect(json.sensor_secret);
    expect((await person.call("DELETE", sensor)).status).toBe(204);
    await until("the new one is refused too", () =>
      connect(json.sensor_secret).then(
        () => false,
        () => true,
      ),
    );
    await until("nobody is connected as the sensor", async () =>
      clients.every((client) => !client.connected),
    );
  });
});
