import { until } from "@fieldlog/testkit";
import mqtt, { type MqttClient } from "mqtt";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../fieldlog.fixture.js";
import type { World } from "./world.js";

interface Revision {
  readonly revision: number;
  readonly success: boolean | null;
  readonly publication_timestamp: number | null;
  readonly acknowledgment_timestamp?: number | null;
}

/** A sensor of tenta, both generations of its payloads, and what a person reads of it. */
export function tentaSensors(world: () => World): void {
  let device: Device;
  const open: MqttClient[] = [];
  beforeAll(async () => {
    device = await world().device("tenta-sensor");
  });
  afterEach(() => {
    for (const client of open.splice(0)) client.end(true);
  });
  const connected = async () => {
    const { username, password } = device;
    const client = await mqtt.connectAsync(world().doors.TCP, { username, password, reconnectPeriod: 0 });
    open.push(client);
    return client;
  };
  const path = (what: string) => `/networks/${world().namespace}/sensors/${device.id}/${what}`;
  const read = <T>(what: string) => world().call<T[]>("GET", path(what), undefined, world().token);

  for (const [generation, topic, wrapped] of [
    ["of 2023", "measurements", true],
    ["of today", "measurements", false],
  ] as const) {
    it(`measurements ${generation} are read back`, async () => {
      const client = await connected();
      const at = wrapped ? 1_683_645_000.5 : 1_683_645_900.25;
      const list = [
        { timestamp: at, value: { temperature: 21.5, humidity: 40 } },
        { revision: 3, timestamp: at + 1, value: { temperature: 22 } },
      ];
      await client.publishAsync(
        `${topic}/${device.id}`,
        JSON.stringify(wrapped ? { measurements: list } : list),
        {
          qos: 1,
        },
      );
      const rows = await until("the measurements", async () => {
        const found = (await read<{ creation_timestamp: number }>("measurements")).filter(
          ({ creation_timestamp: time }) => time >= at && time < at + 2,
        );
        return found.length === 2 && found;
      });
      expect(rows).toMatchObject([
        { creation_timestamp: at, revision: null, value: { temperature: 21.5, humidity: 40 } },
        { creation_timestamp: at + 1, revision: 3, value: { temperature: 22 } },
      ]);
    });
  }

  it("log entries of both generations are read back", async () => {
    const client = await connected();
    const old = { severity: "warning", timestamp: 1_683_645_000, subject: "low battery", details: "3.1 V" };
    const now = { severity: "error", revision: 1, timestamp: 1_683_645_001, message: "no reading" };
    await client.publishAsync(`log-messages/${device.id}`, JSON.stringify({ log_messages: [old] }), {
      qos: 1,
    });
    await client.publishAsync(`logs/${device.id}`, JSON.stringify([now]), { qos: 1 });
    const rows = await until("the entries", async () => {
      const found = await read<{ severity: string }>("logs");
      return found.length >= 2 && found;
    });
    expect(rows.map(({ severity }) => severity)).toEqual(["warning", "error"]);
    expect(JSON.stringify(rows)).toContain("low battery");
    expect(JSON.stringify(rows)).toContain("no reading");
  });

  it("what is refused appears in the sensor's log, with the reason", async () => {
    const client = await connected();
    // 3.1.1 has no way to refuse: there is no answer.
    client.publish(`measurements/${device.id}`, '[{"timestamp":1,"value":{"a":"b"}}]', { qos: 1 });
    const entry = await until("the rejection", async () =>
      (await read<{ severity: string }>("logs")).find((row) => JSON.stringify(row).includes("measurements/")),
    );
    expect(["warning", "error"]).toContain(entry.severity);
  });

  describe("configurations", () => {
    it("wait for the sensor, the newest one retained, and are acknowledged", async () => {
      const post = (body: unknown) =>
        world().call<{ revision: number }>("POST", path("configurations"), body, world().token);
      const first = (await post({ interval: 10 })).revision;
      const second = (await post({ interval: 20, nested: { list: [1, null] } })).revision;
      expect(second).toBe(first + 1);
      const client = await connected();
      const seen: { revision: number; configuration: unknown }[] = [];
      const retained: boolean[] = [];
      client.on("message", (_topic, payload, packet) => {
        seen.push(JSON.parse(payload.toString()));
        retained.push(packet.retain);
      });
      await client.subscribeAsync(`configurations/${device.id}`, { qos: 1 });
      await until("the newest revision", () => seen.at(-1)?.revision === second);
      expect(seen.at(-1)?.configuration).toEqual({ interval: 20, nested: { list: [1, null] } });
      // It may have come as it was made; who subscribes now finds it retained.
      const before = seen.length;
      await client.subscribeAsync(`configurations/${device.id}`, { qos: 1 });
      await until("the retained one", () => seen.length > before);
      expect([seen.at(-1)?.revision, retained.at(-1)]).toEqual([second, true]);
      const third = (await post({ interval: 30 })).revision;
      await until("the next revision, as it is made", () => seen.at(-1)?.revision === third);

      const wrapped = { heartbeats: [{ revision: first, timestamp: 1_683_645_000, success: false }] };
      const bare = [{ revision: second, timestamp: 1_683_645_100, success: true }];
      await client.publishAsync(`heartbeats/${device.id}`, JSON.stringify(wrapped), { qos: 1 });
      await client.publishAsync(`acknowledgments/${device.id}`, JSON.stringify(bare), { qos: 1 });
      // The first acknowledgment of a revision stands.
      const contrary = [{ ...bare[0], success: false }];
      await client.publishAsync(`acknowledgments/${device.id}`, JSON.stringify(contrary), { qos: 1 });
      const revisions = await until("both acknowledgments", async () => {
        const all = await read<Revision>("configurations");
        return all.filter(({ success }) => success !== null).length === 2 && all;
      });
      const success = new Map(revisions.map((each) => [each.revision, each.success]));
      expect([success.get(first), success.get(second), success.get(third)]).toEqual([false, true, null]);
      expect(revisions.every(({ publication_timestamp: time }) => time !== null)).toBe(true);
    });
  });

  it("plain messages are read back over REST", async () => {
    const client = await connected();
    const topic = `${device.id}/tele/SENSOR`;
    await client.publishAsync(topic, '{"Temperature":21}', { qos: 1 });
    const filter = encodeURIComponent(`${device.id}/#`);
    const found = await until("the message", async () => {
      const answer = await world().call<{ messages: { topic: string }[] }>(
        "GET",
        `/v1/namespaces/${world().namespace}/messages?topic=${filter}`,
      );
      return answer.messages.length > 0 && answer.messages;
    });
    expect(found[0]).toMatchObject({ topic });
    expect(JSON.stringify(found[0])).toContain("Temperature");
  });
}
