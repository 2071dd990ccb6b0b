import { limits } from "@fieldlog/contracts";
import { type System, startServers, startSystem, type TestServers } from "@fieldlog/testkit";
import { CloudEvent, HTTP } from "cloudevents";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

type Json = Record<string, unknown>;

let servers: TestServers;
let system: System;
let url = "";

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl("publish");
  system = await startSystem({ natsUrl: servers.nats.url, postgresUrl, inOneProcess: true });
  url = `${system.url}/v1/namespaces/test/events`;
});
afterAll(async () => {
  await system?.stop();
  await servers?.stop();
});

async function post(
  body: unknown,
  headers: Record<string, string> = {},
  key: string | null = system.adminKey,
) {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...headers,
    },
    body:
      body instanceof Uint8Array ? Buffer.from(body) : typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, json: (await response.json()) as Json };
}

async function stored(type: string): Promise<Json[]> {
  const response = await fetch(`${url}?type=${encodeURIComponent(type)}`, {
    headers: { authorization: `Bearer ${system.adminKey}` },
  });
  return ((await response.json()) as { events: Json[] }).events;
}

async function keyOf(permission: string, namespace = "test"): Promise<string> {
  const response = await fetch(`${system.url}/v1/namespaces/${namespace}/api-keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${system.adminKey}`, "content-type": "application/json" },
    body: JSON.stringify({ kind: "native", permission }),
  });
  return ((await response.json()) as { key: string }).key;
}

describe("the CloudEvents SDK", () => {
  it.each(["binary", "structured"] as const)(
    "publishes in %s mode, and understands what comes back",
    async (mode) => {
      const type = `org.example.${mode}`;
      const event = new CloudEvent({
        ...{
          type,
          source: "urn:example:world",
          subject: "s",
          id: `${mode}-1`,
          time: "2026-01-31T12:00:00.000Z",
        },
        ...{ team: "rød", data: { a: [1, { b: "ü" }] } },
      });
      const { headers, body } = HTTP[mode](event);
      expect((await post(String(body), headers as Record<string, string>)).status).toBe(201);
      const [found] = await stored(type);
      const back = HTTP.toEvent({
        headers: { "content-type": "application/cloudevents+json" },
        body: JSON.stringify(found),
      }) as CloudEvent<unknown>;
      const { id, source, subject, time, data } = back;
      expect({ id, source, subject, time, data, team: back["team"] }).toEqual({
        ...{ id: event.id, source: event.source, subject: "s", time: event.time },
        ...{ data: { a: [1, { b: "ü" }] }, team: "rød" },
      });
    },
  );

  it("publishes a batch", async () => {
    const batch = [1, 2, 3].map(
      (n) => new CloudEvent({ type: "batch", source: "urn:x", id: String(n), data: n }),
    );
    const headers = { "content-type": "application/cloudevents-batch+json" };
    const { status, json } = await post(JSON.stringify(batch), headers);
    expect(status).toBe(200);
    const results = json["results"] as Json[];
    expect(results.map((each) => [each["status"], each["id"]])).toEqual([
      [201, "1"],
      [201, "2"],
      [201, "3"],
    ]);
    expect((await stored("batch")).map((each) => each["data"])).toEqual([1, 2, 3]);
  });
});

describe("publishing", () => {
  it("keeps a resend once", async () => {
    const event = { name: "again", id: "x-1", value: 1 };
    const first = await post(event);
    await post(event);
    expect((await stored("again")).map((each) => each["position"])).toEqual([first.json["position"]]);
  });

  it("keeps data that is no JSON, as bytes and as text", async () => {
    const ce = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "urn:bytes", "ce-type": "bytes" };
    const bytes = Buffer.of(0, 255, 10);
    expect((await post(bytes, { ...ce, "content-type": "application/octet-stream" })).status).toBe(201);
    expect((await post("hällo", { ...ce, "ce-id": "2", "content-type": "text/plain" })).status).toBe(201);
    expect(await stored("bytes")).toMatchObject([
      { datacontenttype: "application/octet-stream", data_base64: bytes.toString("base64") },
      { datacontenttype: "text/plain", data: "hällo" },
    ]);
  });

  it("keeps what databases find hard", async () => {
    const data = JSON.parse('{"nul":"\\u0000","half":"\\ud800","big":12345678901234567890,"a":1,"A":2}');
    expect((await post(`{"name":"hard","data":{"nul":"\\u0000","half":"\\ud800","a":1}}`)).status).toBe(201);
    expect(await stored("hard")).toMatchObject([{ data: { nul: "\0", half: data.half, a: 1 } }]);
  });

  it("takes the good ones of several, in their order, and says what is wrong with the others", async () => {
    const { status, json } = await post([
      { name: "mixed", value: 1 },
      { name: "mixed", time: "yesterday" },
      7,
      { name: "mixed", device: "nobody" },
      { name: "mixed", data: "x".repeat(limits.signalBytes) },
      { specversion: "1.0", id: "1", source: "urn:another", type: "mixed", value: 2 },
    ]);
    expect(status).toBe(200);
    expect(json["results"]).toMatchObject([
      { status: 201 },
      { status: 400, field: "time" },
      { status: 400, detail: "must be an object" },
      { status: 400, field: "device" },
      { status: 413 },
      { status: 201, id: "1" },
    ]);
    expect((await stored("mixed")).map((each) => each["value"])).toEqual(["1", "2"]);
  });

  it("is for devices that exist", async () => {
    const made = await fetch(`${system.url}/v1/namespaces/test/devices`, {
      method: "POST",
      headers: { authorization: `Bearer ${system.adminKey}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "boiler" }),
    });
    const { id } = (await made.json()) as { id: string };
    expect((await post({ name: "of-device", device: id })).status).toBe(201);
    const source = `/namespaces/test/devices/${id}`;
    const cloud = { specversion: "1.0", id: "1", source, type: "of-device" };
    expect((await post(cloud, { "content-type": "application/cloudevents+json" })).status).toBe(201);
    expect(await stored("of-device")).toMatchObject([
      { device: id, source },
      { device: id, source, id: "1" },
    ]);
  });

  it("refuses what it cannot read, and who may not", async () => {
    const [reader, stranger] = [await keyOf("read"), await keyOf("write", "default")];
    const cloud = { "content-type": "application/cloudevents+json" };
    const refused = [
      [await post({ name: "no" }, {}, null), 401],
      [await post({ name: "no" }, {}, reader), 403],
      [await post({ name: "no" }, {}, stranger), 403],
      [await post("{"), 400],
      [await post(Buffer.of(0x22, 0xff, 0x22)), 400],
      [await post({ specversion: "1.0" }, cloud), 400],
      [await post([], cloud), 400],
      [await post([], { "content-type": "application/json" }), 400],
      [await post("<a/>", { "content-type": "application/xml" }), 415],
      [await post("x".repeat(limits.bodyBytes + 1)), 413],
      [await post(Array(limits.eventsPerRequest + 1).fill({ name: "no" })), 413],
      [await post({ name: "no", data: "x".repeat(limits.signalBytes) }), 413],
    ] as const;
    expect(refused.map(([{ status }]) => status)).toEqual(refused.map(([, status]) => status));
    expect(refused[4]?.[0].headers.get("content-type")).toBe("application/problem+json");
    expect(await stored("no")).toEqual([]);
  });
});
