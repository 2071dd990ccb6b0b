import { connectAsync } from "mqtt";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startServers, type TestServers } from "./servers.js";
import { type System, startSystem } from "./system.js";

// Each shape is meant as it is written here.
vi.stubEnv("TESTKIT_SHAPE", "");

describe("the started system", () => {
  let servers: TestServers;
  const given = async () => ({
    natsUrl: servers.nats.url,
    natsMonitorUrl: servers.nats.monitorUrl,
    postgresUrl: await servers.databaseUrl("system"),
  });

  describe("as a process per service", () => {
    let system: System;
    beforeAll(async () => {
      servers = await startServers();
      system = await startSystem({
        ...(await given()),
        replicas: { "edge-http": 2, "edge-mqtt": 2, projections: 2 },
      });
    });
    afterAll(async () => {
      await system?.stop();
      await servers.stop();
    });

    it("has the replicas that were asked for", () => {
      const edges = ["edge-http", "edge-http-2", "edge-mqtt", "edge-mqtt-2", "edge-websocket"];
      const others = [
        "liveness",
        "offers",
        "projections",
        "projections-2",
        "sampling",
        "streams",
        "subscriptions",
      ];
      const names = ["auth", "devices", ...edges, ...others];
      expect(Object.keys(system.processes).sort()).toEqual(names);
      const pids = Object.values(system.processes).map(({ pid }) => pid);
      expect(new Set(pids).size).toBe(names.length);
    });

    it("answers its admin key at both doors", async () => {
      for (const name of ["edge-http", "edge-http-2"]) {
        expect(await events(system.processes[name]?.url, system.adminKey)).toBe(200);
      }
    });

    it("takes what its admin key publishes at both MQTT doors, also over WebSocket", async () => {
      expect(system.mqttUrl).toBe(system.processes["edge-mqtt"]?.mqttUrl);
      for (const name of ["edge-mqtt", "edge-mqtt-2"]) {
        const { mqttUrl, mqttWsUrl } = system.processes[name] ?? {};
        for (const url of [mqttUrl, mqttWsUrl]) await publish(url, system.adminKey);
      }
    });

    it("serves health and metrics at every process", async () => {
      for (const { opsUrl } of Object.values(system.processes)) {
        for (const path of ["healthz", "readyz", "metrics"]) {
          expect((await fetch(`${opsUrl}/${path}`)).status).toBe(200);
        }
      }
    });

    it("works again after all processes were killed and restarted", async () => {
      const processes = Object.values(system.processes);
      await Promise.all(processes.map((process) => process.kill()));
      expect(processes.map(({ pid }) => pid)).toEqual(processes.map(() => 0));
      await Promise.all(processes.map((process) => process.start()));
      expect(await events(system.url, system.adminKey)).toBe(200);
      await publish(system.mqttUrl, system.adminKey);
    });
  });

  describe("with some services apart", () => {
    let system: System;
    beforeAll(async () => {
      servers = await startServers();
      system = await startSystem({ ...(await given()), apart: { "edge-http": 2, auth: 1 } });
    });
    afterAll(async () => {
      await system?.stop();
      await servers.stop();
    });

    it("has their processes and one for the others, and answers at every door", async () => {
      expect(Object.keys(system.processes).sort()).toEqual(["auth", "edge-http", "edge-http-2", "fieldlog"]);
      for (const name of ["edge-http", "edge-http-2"]) {
        expect(await events(system.processes[name]?.url, system.adminKey)).toBe(200);
      }
      await publish(system.mqttUrl, system.adminKey);
    });
  });

  describe("as one process", () => {
    let system: System;
    beforeAll(async () => {
      servers = await startServers();
      system = await startSystem({ ...(await given()), inOneProcess: true });
    });
    afterAll(async () => {
      await system?.stop();
      await servers.stop();
    });

    it("has one process, which answers its admin key, also after a kill", async () => {
      expect(Object.keys(system.processes)).toEqual(["fieldlog"]);
      expect(await events(system.url, system.adminKey)).toBe(200);
      await publish(system.mqttUrl, system.adminKey);
      await system.processes["fieldlog"]?.kill();
      await system.processes["fieldlog"]?.start();
      expect(await events(system.url, system.adminKey)).toBe(200);
      await publish(system.mqttUrl, system.adminKey);
    });
  });
});

/** Publishes to the namespace `default`; raises unless it is acknowledged. */
async function publish(url: string | undefined, key: string): Promise<void> {
  const client = await connectAsync(url ?? "", { username: "default", password: key, reconnectPeriod: 0 });
  await client.publishAsync("hello/world", "here", { qos: 1 });
  await client.endAsync();
}

async function events(door: string | undefined, key: string): Promise<number> {
  const answer = await fetch(`${door}/v1/namespaces/default/events`, {
    headers: { authorization: `Bearer ${key}` },
  });
  return answer.status;
}
