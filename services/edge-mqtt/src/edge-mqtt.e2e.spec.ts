import { SOON_MS, until } from "@fieldlog/testkit";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Reason } from "./codec/reason.js";
import { type Fieldlog, startFieldlog } from "./conformance/fieldlog.fixture.js";

let fieldlog: Fieldlog;

beforeAll(async () => {
  fieldlog = await startFieldlog("door");
});
afterAll(() => fieldlog?.stop());

const connect = (credential: { username: string; password: string }, more: IClientOptions = {}) =>
  connectAsync(fieldlog.system.mqttUrl, {
    ...{ protocolVersion: 5, reconnectPeriod: 0, username: credential.username },
    ...{ password: credential.password, ...more },
  });

/** The reason code with which the server ends the connection, and after how many ms. */
function ended(client: MqttClient): Promise<{ code: number | undefined; ms: number }> {
  const from = performance.now();
  return new Promise((resolve) => {
    client.on("disconnect", ({ reasonCode }) => resolve({ code: reasonCode, ms: performance.now() - from }));
    client.on("error", () => undefined);
    client.on("close", () => resolve({ code: undefined, ms: performance.now() - from }));
  });
}

describe("A credential that is void", () => {
  it("ends its connections within two seconds: an API key", async () => {
    const path = `/v1/namespaces/${fieldlog.namespace}/api-keys`;
    const body = { kind: "native", permission: "write", name: "to be revoked" };
    const { id, key } = await fieldlog.call<{ id: string; key: string }>("POST", path, body);
    const client = await connect({ username: fieldlog.namespaceName, password: key });
    const other = await connect(fieldlog.writer);
    const end = ended(client);
    await fieldlog.call("DELETE", `${path}/${id}`);
    const { code, ms } = await end;
    expect(code).toBe(Reason.notAuthorized);
    expect(ms).toBeLessThan(SOON_MS);
    expect(other.connected).toBe(true);
    await expect(connect({ username: fieldlog.namespaceName, password: key })).rejects.toMatchObject({
      code: Reason.badUserNameOrPassword,
    });
    await other.endAsync();
  });
  it("ends its connections within two seconds: a device's password", async () => {
    const device = await fieldlog.device();
    const client = await connect(device);
    const end = ended(client);
    const path = `/v1/namespaces/${fieldlog.namespace}/devices/${device.id}/mqtt-password`;
    await fieldlog.call("POST", path);
    const { code, ms } = await end;
    expect(code).toBe(Reason.notAuthorized);
    expect(ms).toBeLessThan(SOON_MS);
  });
});

describe("While the log is away", () => {
  it("nothing is acknowledged and nobody is let in; afterwards all goes on by itself", async () => {
    const device = await fieldlog.device();
    const client = await connect(device);
    await client.publishAsync(`${device.id}/x`, "before", { qos: 1 });
    const end = ended(client);
    fieldlog.servers.nats.pause();
    try {
      let acknowledged = false;
      client.publishAsync(`${device.id}/x`, "during", { qos: 1 }).then(
        () => {
          acknowledged = true;
        },
        () => undefined,
      );
      expect((await end).code).toBe(Reason.serverBusy);
      expect(acknowledged).toBe(false);
      const refused = await connect(device).catch((error: { code?: number }) => error);
      expect((refused as { code?: number }).code).toBe(Reason.serverUnavailable);
      const ready = await fetch(`${fieldlog.system.processes["edge-mqtt"]?.url}/readyz`);
      expect(ready.status).toBe(503);
    } finally {
      fieldlog.servers.nats.resume();
    }
    const again = await until("the door lets in again", () => connect(device));
    await again.publishAsync(`${device.id}/x`, "after", { qos: 1 });
    await again.endAsync();
  });
});

describe("The operator", () => {
  it("sees what the door does", async () => {
    const client = await connect(fieldlog.writer);
    await client.publishAsync("seen/by/metrics", "x", { qos: 2 });
    const answer = await fetch(`${fieldlog.system.processes["edge-mqtt"]?.opsUrl}/metrics`);
    const text = await answer.text();
    for (const line of [
      'fieldlog_mqtt_connections{transport="tcp",version="5"}',
      'fieldlog_mqtt_publishes_total{qos="2",outcome="stored"}',
      'fieldlog_mqtt_connects_total{outcome="accepted"}',
      'fieldlog_mqtt_packets_received_total{type="pubrel"}',
      'fieldlog_mqtt_sessions{state="connected"}',
    ]) {
      expect(text).toContain(line);
    }
    await client.endAsync();
  });
  it("can stop it: clients are told, and it ends by itself", async () => {
    const client = await connect(fieldlog.writer);
    const end = ended(client);
    const edge = fieldlog.system.processes["edge-mqtt"];
    await edge?.stop();
    expect((await end).code).toBe(Reason.serverShuttingDown);
    expect(edge?.log()).toContain('"msg":"stopped"');
    expect(edge?.log()).not.toMatch(/"level":"(error|fatal)"/);
    expect(edge?.log()).not.toContain(fieldlog.writer.password);
    await edge?.start();
  });
});
