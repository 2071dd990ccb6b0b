import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Fleet, seeded } from "./fleet.fixture.js";

interface Span {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
}

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const spans: Span[] = [];
let collector: Server;
let servers: TestServers;
let system: System;

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
  system = await startSystem({
    natsUrl: servers.nats.url,
    natsMonitorUrl: servers.nats.monitorUrl,
    postgresUrl: await servers.databaseUrl("trace"),
    apart: { "edge-http": 1, projections: 1 },
    settings: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` },
  });
});

afterAll(async () => {
  await system?.stop();
  await servers?.stop();
  collector?.close();
});

it("carries a device's trace from the edge through the log into the read model", async () => {
  const fleet = new Fleet([system.url], seeded(2));
  await fleet.register(1);
  const pick = fleet.pick(0);
  const answer = await fetch(`${system.url}/api/v1/test/event/${pick.device}`, {
    method: "POST",
    body: pick.body as Uint8Array<ArrayBuffer>,
    headers: { traceparent: `00-${TRACE}-00f067aa0ba902b7-01` },
  });
  expect(answer.status).toBe(200);
  const ofTrace = () => spans.filter((span) => span.traceId === TRACE);
  const apply = await until("the read model's span", () =>
    ofTrace().find((span) => span.service === "projections" && span.name === "apply"),
  );
  const commit = await until("the commit's span", () => ofTrace().find((span) => span.name === "commit"));
  expect(commit.service).toBe("edge-http");
  expect(apply.parentSpanId).toBe(commit.spanId);
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
