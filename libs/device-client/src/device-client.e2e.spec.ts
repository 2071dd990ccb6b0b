import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "@fieldlog/servers";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { localCertificate } from "@fieldlog/tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DeviceClient, type ProvisioningOperation, type StartOptions } from "./index.js";

type Json = Record<string, unknown>;

const KILLED = fileURLToPath(new URL("../dist/killed-device.fixture.js", import.meta.url));
const NS = "/v1/namespaces/test";

describe("devices of the started system", () => {
  let dir: string;
  let servers: TestServers;
  let system: System;
  let options: Omit<StartOptions, "db">;
  const clients: DeviceClient[] = [];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "fieldlog-device-e2e-"));
    const [files, httpsPort] = [await localCertificate({ dir, hosts: ["localhost"] }), await freePort()];
    servers = await startServers();
    system = await startSystem({
      ...{ natsUrl: servers.nats.url, postgresUrl: await servers.databaseUrl("device_client") },
      inOneProcess: true,
      settings: {
        ...{ FIELDLOG_TLS_CERT: files.server, FIELDLOG_TLS_KEY: files.server },
        FIELDLOG_HTTPS_PORT: String(httpsPort),
      },
    });
    const { json } = await ask("POST", "/workspaces/test/provisioning-tokens/create", {});
    expect((await ask("PUT", `${NS}/stream-groups/fruit/streams/apples`, {})).status).toBe(204);
    options = {
      ...{ provisioningToken: String(json["provisioningToken"]), instance: `localhost:${httpsPort}` },
      mqttPort: Number(new URL(system.processes["fieldlog"]?.mqttsUrl ?? "").port),
      ca: await readFile(files.ca, "utf8"),
      ...{ backOff: { firstMs: 20, mostMs: 200 }, approvalPollMs: 50 },
    };
  });
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await system?.stop();
    await servers?.stop();
    await rm(dir, { recursive: true });
  });

  async function ask(method: string, path: string, body?: unknown): Promise<{ status: number; json: Json }> {
    const response = await fetch(`${system.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${system.adminKey}`,
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, json: text.startsWith("{") ? JSON.parse(text) : {} };
  }

  async function approve({ verificationCode }: ProvisioningOperation): Promise<void> {
    const path = "/workspaces/test/provisioning-operations/approve";
    expect((await ask("PUT", path, { verificationCode })).status).toBe(200);
  }

  async function start(deviceId: string, more: Partial<StartOptions> = {}): Promise<DeviceClient> {
    const client = await DeviceClient.start({
      ...{ ...options, deviceId, db: join(dir, `${deviceId}.db`) },
      displayProvisioningOperation: (operation) => void approve(operation),
      ...more,
    });
    clients.push(client);
    return client;
  }

  it("have each of 100 messages stored once, although they are killed half way", async () => {
    const client = await start("orchard-1");
    await client.close();
    const own = JSON.stringify({ ...options, deviceId: "orchard-1", db: join(dir, "orchard-1.db") });
    let next = 0;
    for (const stopAt of [40, 100]) {
      const child = spawn(process.execPath, ["--no-warnings", KILLED, own, String(next)]);
      const exited = once(child, "exit");
      child.stdout.on("data", (chunk) => {
        const numbers = String(chunk).match(/\d+/g)?.map(Number) ?? [];
        next = Math.max(next, ...numbers.map((number) => number + 1));
        if (next > stopAt) child.kill("SIGKILL");
      });
      await exited;
    }
    await until("all are stored", async () => {
      const { json } = await ask("GET", `${NS}/streams/messages?device=orchard-1&limit=500`);
      const messages = json["messages"] as readonly Json[];
      expect(new Set(messages.map(({ batch, id }) => `${batch}/${id}`)).size).toBe(100);
      expect(messages.length).toBe(100);
      return true;
    });
  });

  it("have properties set from both sides, offline too", async () => {
    const client = await start("porch-1");
    expect(client.desiredProperties).toEqual({ version: 1, properties: {} });
    const desired = "/workspaces/test/devices/porch-1/desired-properties";
    await ask("PATCH", desired, { rate: { hz: 10, gain: 1 } });
    await until("the patch came", () => client.desiredProperties.version === 2);
    await client.updateReportedProperties({ firmware: "1.2", rate: { hz: 10 } });
    await client.waitReportedPropertiesSent();
    await client.close();
    await ask("PATCH", desired, { rate: { gain: null } });
    const again = await start("porch-1");
    await until("what was missed came", () => again.desiredProperties.version === 3);
    expect(again.desiredProperties.properties).toEqual({ rate: { hz: 10 } });
    await again.patchReportedProperties({ firmware: null });
    await again.waitReportedPropertiesSent();
    const { json } = await ask("GET", "/workspaces/test/devices/porch-1/reported-properties");
    expect(json).toMatchObject({ rate: { hz: 10 } });
    expect(json).not.toHaveProperty("firmware");
  });

  it("react to each other by events, and tell what they measure", async () => {
    const [door, lamp] = [await start("front-door"), await start("hall-lamp")];
    const heard: unknown[] = [];
    await lamp.subscribe("events/front-door/door", ({ payload }) => {
      heard.push(JSON.parse(String(Buffer.from(payload))));
    });
    await door.publishEvent({ name: "door", action: "opened" });
    await until("it is heard", () => heard.length === 1);
    expect(heard[0]).toMatchObject({ type: "door", action: "opened" });
    await door.sendMeasurements({ value: { celsius: 11.5 } });
    await door.sendLog({ severity: "info", message: "up" });
    await door.waitEnqueuedMessagesSent();
    expect(door.refusedMessages()).toEqual([]);
  });

  it("send payloads that are too large for a message", async () => {
    const client = await start("camera-1");
    const sender = client.createStreamSender({ streamGroup: "fruit", stream: "apples" });
    const picture = Buffer.alloc(300_000, "picture");
    await sender.sendMessage(picture, { batchId: "large", messageId: "1" });
    await until("it is stored", async () => {
      const { json } = await ask("GET", `${NS}/streams/messages?device=camera-1`);
      const [message] = json["messages"] as readonly Json[];
      expect(message).toMatchObject({ batch: "large", id: "1" });
      const path = `${system.url}${NS}/streams/messages/${message?.["position"]}/data`;
      const response = await fetch(path, { headers: { authorization: `Bearer ${system.adminKey}` } });
      expect(Buffer.from(await response.arrayBuffer()).equals(picture)).toBe(true);
      return true;
    });
  });

  it("offer what they recorded, and send what somebody asked for", async () => {
    const client = await start("recorder-1");
    await client.close();
    const { json } = await ask("POST", `${NS}/devices/recorder-1/signing-secret`);
    const again = await start("recorder-1", { signingSecret: String(json["secret"]) });
    const offer = { sensor: "0", format: "application/octet-stream" };
    await again.offerData({ ...offer, request: 999_999 }, Buffer.from("nobody asked"));
    await ask("POST", `${NS}/requests`, { device: "recorder-1", current: true });
    await again.offerData(offer, Buffer.from("a recording"));
    await again.waitEnqueuedMessagesSent();
    await until("it is stored", async () => {
      const { json } = await ask("GET", `${NS}/readings?device=recorder-1`);
      const stored = (json["readings"] as readonly Json[]).filter(({ state }) => state === "stored");
      expect(stored).toMatchObject([{ device: "recorder-1", bytes: 11 }]);
      return true;
    });
    expect(again.refusedMessages().map(({ reason }) => reason)).toEqual(["nobody asked for these data"]);
  });
});
