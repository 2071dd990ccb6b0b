import { readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { seeded } from "@fieldlog/chance";
import { metricProblems } from "@fieldlog/observability";
import { SERVICES, type ServiceName } from "@fieldlog/processes";
import {
  type System,
  startServers,
  startSystem,
  type TestServers,
  temporaryDir,
  until,
} from "@fieldlog/testkit";
import { localCertificate } from "@fieldlog/tls";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fleet } from "./fleet.fixture.js";
import {
  type Door,
  endpoint,
  mqttSession,
  polling,
  serverSentEvents,
  type WayOut,
  webSocket,
} from "./ways-out.fixture.js";

interface Span {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes?: readonly {
    readonly key: string;
    readonly value: { readonly stringValue?: string };
  }[];
}

const ROOT = join(import.meta.dirname, "../../..");
const spans: Span[] = [];
const lines: Record<string, unknown>[] = [];
const unreadable: string[] = [];
const ways: WayOut[] = [];
let collector: Server;
let servers: TestServers;
let system: System;
let dir: string;
let door: Door;
/** One that exists. */
let device: string;

beforeAll(async () => {
  collector = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      spans.push(...spansOf(JSON.parse(body)));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const { port } = collector.address() as AddressInfo;
  servers = await startServers();
  dir = await temporaryDir();
  const files = await localCertificate({ dir, hosts: ["127.0.0.1"] });
  system = await startSystem({
    natsUrl: servers.nats.url,
    natsMonitorUrl: servers.nats.monitorUrl,
    postgresUrl: await servers.databaseUrl("observed"),
    apart: { "edge-http": 1, projections: 1 },
    settings: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      FIELDLOG_WEBHOOK_ALLOW: "127.0.0.1",
      FIELDLOG_SIGNALS_MAX_BYTES: "1000000000",
      ...{ FIELDLOG_TLS_CERT: files.server, FIELDLOG_TLS_KEY: files.server },
    },
    settingsOf: (name) => (name === "edge-http" ? { FIELDLOG_LOG_LEVEL: "debug" } : {}),
    log: (name, line) => {
      try {
        // What npm start tells a person is no log.
        if (name !== "fieldlog") lines.push(JSON.parse(line));
      } catch {
        unreadable.push(line);
      }
    },
  });
  const { url, wsUrl, mqttUrl, adminKey: key } = system;
  door = { url, wsUrl, mqttUrl, key, namespace: "test" };
});

afterAll(async () => {
  await Promise.all(ways.map((way) => way.stop()));
  await system?.stop();
  await servers?.stop();
  collector?.close();
  await rm(dir, { recursive: true, force: true });
});

/** A trace of its own for each test. */
const trace = (n: number) => `4bf92f3577b34da6a3ce929d0e0e47${String(n).padStart(2, "0")}`;
const traceParent = (n: number) => `00-${trace(n)}-00f067aa0ba902b7-01`;
const ofTrace = (n: number) => spans.filter(({ traceId }) => traceId === trace(n));
const wayOf = ({ attributes = [] }: Span) =>
  attributes.find(({ key }) => key === "fieldlog.way")?.value.stringValue;
const waysOf = (n: number) => new Set(ofTrace(n).flatMap((span) => wayOf(span) ?? []));
const authorization = () => ({ authorization: `Bearer ${door.key}`, "content-type": "application/json" });

async function subscribe(delivery: string | object): Promise<string> {
  const body = JSON.stringify({ filter: { names: ["tick"] }, from: "beginning", delivery });
  const url = `${door.url}/v1/namespaces/test/subscriptions`;
  const response = await fetch(url, { method: "POST", headers: authorization(), body });
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

it("tells what autoscalers go by before anybody is connected", async () => {
  const asked = await readFile(join(ROOT, "deploy/k8s/overlays/production/autoscaling.yaml"), "utf8");
  const names = [...new Set(asked.match(/\bfieldlog_\w+/g))];
  expect(names.length).toBeGreaterThan(0);
  const told = await Promise.all(
    Object.values(system.processes).map(async ({ opsUrl }) => (await fetch(`${opsUrl}/metrics`)).text()),
  );
  for (const name of names) expect(told.join("\n")).toMatch(new RegExp(`^${name}(\\{.*\\})? \\d`, "m"));
});

describe("a trace", () => {
  it("goes from a device's request through the log into the read model", async () => {
    const fleet = new Fleet([system.url], seeded(2));
    await fleet.register(1);
    const pick = fleet.pick(0);
    device = pick.device;
    const answer = await fetch(`${system.url}/api/v1/test/event/${pick.device}`, {
      method: "POST",
      body: pick.body as Uint8Array<ArrayBuffer>,
      headers: { traceparent: traceParent(1) },
    });
    expect(answer.status).toBe(200);
    const apply = await until("the read model's span", () =>
      ofTrace(1).find((span) => span.service === "projections" && span.name === "apply"),
    );
    const commit = await until("the commit's span", () => ofTrace(1).find(({ name }) => name === "commit"));
    expect(commit.service).toBe("edge-http");
    expect(apply.parentSpanId).toBe(commit.spanId);
  });

  it("goes on to every subscriber, whichever way", async () => {
    ways.push(serverSentEvents(door), webSocket(door), await mqttSession(door));
    ways.push(polling(door, await subscribe("poll")));
    const hook = await endpoint();
    ways.push(hook);
    await subscribe({ webhook: { url: hook.url } });
    const response = await fetch(`${door.url}/v1/namespaces/test/events`, {
      method: "POST",
      headers: { ...authorization(), traceparent: traceParent(2) },
      body: JSON.stringify({ name: "tick", id: "first", data: { p: 0, n: 0 } }),
    });
    expect(response.status).toBe(201);
    await until("all have it", () => ways.every(({ heard }) => heard.length > 0));
    const all = ["mqtt", "poll", "sse", "webhook", "websocket"];
    await until("all spans", () => all.every((way) => waysOf(2).has(way)));
    expect(ofTrace(2).filter(({ name }) => name === "commit")).toHaveLength(1);
  });

  it("comes in by MQTT and WebSocket as well", async () => {
    const publisher = await connectAsync(door.mqttUrl, {
      ...{ protocolVersion: 5, username: "test", password: door.key },
    });
    await publisher.publishAsync(`events/${device}/tick`, JSON.stringify({ p: 1, n: 0 }), {
      qos: 1,
      properties: { userProperties: { traceparent: traceParent(3) } },
    });
    await publisher.endAsync();
    await until("its delivery", () => waysOf(3).has("sse"));
    await until("its span", () => ofTrace(3).some(({ name }) => name === "mqtt publish"));

    const socket = new WebSocket(`${door.wsUrl}/v1/subscribe`, "fieldlog.json");
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    const event = { name: "tick", id: "third", data: { p: 2, n: 0 } };
    socket.send(JSON.stringify({ type: "publish", key: door.key, namespace: "test", event }));
    const begun = await until("its span", () => spans.find(({ name }) => name === "websocket publish"));
    await until("its delivery", () =>
      spans.some((span) => span.traceId === begun.traceId && wayOf(span) === "mqtt"),
    );
    socket.close();
  });
});

describe("metrics", () => {
  it("are there that dashboards, alert rules, autoscaling and the runbook name, with their labels", async () => {
    const refused = await fetch(`${door.url}/v1/namespaces/test/events`, { method: "POST", body: "?" });
    expect(refused.status).toBe(401);
    const answers = await Promise.all(
      Object.values(system.processes).map(({ opsUrl }) => fetch(`${opsUrl}/metrics`)),
    );
    const exposed = (await Promise.all(answers.map((answer) => answer.text()))).join("\n");
    expect(metricProblems(ROOT, exposed)).toEqual([]);
    // And what they say is of what happened.
    for (const sample of [
      /^fieldlog_refusals_total\{service="edge-http",reason="unauthenticated"\} [1-9]/m,
      /^fieldlog_deliveries_total\{way="webhook"\} [1-9]/m,
      /^fieldlog_log_limit_bytes\{stream="SIGNALS"\} 1000000000$/m,
      /^fieldlog_log_copies\{stream="SIGNALS",state="leading"\} 1$/m,
      /^fieldlog_nats_store_limit_bytes [1-9]/m,
      /^fieldlog_postgres_database_bytes [1-9]/m,
      /^fieldlog_edge_cache_lookups_total\{service="edge-http",cache="keys",outcome="hit"\} [1-9]/m,
      /^fieldlog_commit_bytes_count\{service="edge-mqtt"\} [1-9]/m,
      /^fieldlog_read_model_lag_seconds\{service="projections",model="events"\} /m,
      /^fieldlog_service_up\{service="sampling"\} 1$/m,
    ]) {
      expect(exposed).toMatch(sample);
    }
    // Every one says what it is, of what unit, and is named alike.
    for (const [, name = "", help = ""] of exposed.matchAll(/^# HELP (fieldlog_\S+) (.*)$/gm)) {
      expect(help, name).toMatch(/\.$/);
      const [, type] = new RegExp(`^# TYPE ${name} (\\w+)$`, "m").exec(exposed) ?? [];
      expect(name.endsWith("_total"), name).toBe(type === "counter");
    }
  });

  it("are not shown to the public", async () => {
    expect((await fetch(`${door.url}/metrics`)).status).toBe(404);
  });
});

describe("logs", () => {
  it("are lines of JSON with time, level and service", () => {
    expect(unreadable).toEqual([]);
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) {
      expect(line).toMatchObject({
        time: expect.any(String),
        level: expect.any(String),
        msg: expect.any(String),
      });
    }
    const services = lines.map(({ service }) => String(service));
    expect(services).toEqual(expect.arrayContaining(["edge-http", "projections"]));
    expect(services.filter((name) => !SERVICES.includes(name as ServiceName))).toEqual([]);
  });
});

/** From an OTLP/HTTP JSON body. */
function spansOf(body: {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] };
    scopeSpans: { spans: Omit<Span, "service">[] }[];
  }[];
}): Span[] {
  return body.resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const named = resource.attributes.find(({ key }) => key === "service.name");
    const service = named?.value.stringValue ?? "";
    return scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, service })));
  });
}
