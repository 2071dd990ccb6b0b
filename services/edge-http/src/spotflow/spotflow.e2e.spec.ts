import { createHash, randomBytes, randomUUID } from "node:crypto";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

type Json = Record<string, unknown>;

let servers: TestServers;
let system: System;
let token = "";

beforeAll(async () => {
  servers = await startServers();
  const postgresUrl = await servers.databaseUrl("spotflow");
  system = await startSystem({ natsUrl: servers.nats.url, postgresUrl, inOneProcess: true });
  const created = await operate("POST", "/provisioning-tokens/create", {});
  token = String(created.json["provisioningToken"]);
}, 240_000);
afterAll(async () => {
  await system?.stop();
  await servers?.stop();
});

async function send(
  method: string,
  url: string,
  headers: Record<string, string>,
  body?: Uint8Array | string,
) {
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  return { status: response.status, json: (isJson && text !== "" ? JSON.parse(text) : {}) as Json };
}
const ask = (method: string, path: string, authorization: string, body?: Json) =>
  send(
    method,
    `${system.url}${path}`,
    { authorization, ...(body && { "content-type": "application/json" }) },
    body && JSON.stringify(body),
  );
const operate = (method: string, path: string, body?: Json) =>
  ask(method, `/workspaces/test${path}`, `Bearer ${system.adminKey}`, body);
const native = (method: string, path: string, body?: Json) =>
  ask(method, `/v1/namespaces/test${path}`, `Bearer ${system.adminKey}`, body);

/** A device that came in and was approved, with what it connects with. */
async function provisioned(deviceId: string) {
  const begun = await ask("POST", "/provisioning-operations/init", `DeviceToken ${token}`, { deviceId });
  const { provisioningOperationId } = begun.json;
  await operate("PUT", "/provisioning-operations/approve", { provisioningOperationId });
  const done = await ask("PUT", "/provisioning-operations/complete", `DeviceToken ${token}`, {
    provisioningOperationId,
  });
  const registration = `DeviceToken ${done.json["registrationToken"]}`;
  const opened = await ask("PUT", "/devices/register", registration, {});
  const parts = new Map(
    String(opened.json["connectionString"])
      .split(";")
      .map((part) => [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)]),
  );
  return {
    registration,
    id: String(parts.get("DeviceId")),
    sas: String(parts.get("SharedAccessSignature")),
  };
}
type Device = Awaited<ReturnType<typeof provisioned>>;

const begin = ({ id, sas }: Device, blobName: string) =>
  ask("POST", `/devices/${id}/files?api-version=2020-03-13`, sas, { blobName });

/** Where the bytes are to be sent. */
function blobUrl({ hostName, containerName, blobName, sasToken }: Json): string {
  return `http://${hostName}/${containerName}/${blobName}${sasToken}`;
}
const put = (url: string, body: Uint8Array) => send("PUT", url, { "x-ms-blob-type": "BlockBlob" }, body);

describe("a payload that is too large for a message", () => {
  it("is uploaded in three steps", async () => {
    const device = await provisioned("porch-1");
    const blobName = randomUUID();
    const begun = await begin(device, blobName);
    expect(begun).toMatchObject({ status: 200, json: { blobName, correlationId: expect.any(String) } });
    const payload = randomBytes(300_000);
    expect((await put(blobUrl(begun.json), payload)).status).toBe(201);
    // The device may have lost the answer.
    expect((await put(blobUrl(begun.json), payload)).status).toBe(201);
    expect((await put(blobUrl(begun.json), randomBytes(300_000))).status).toBe(409);
    const { correlationId } = begun.json;
    const notice = { correlationId, isSuccess: true, statusCode: 200, statusDescription: "Done" };
    const path = `/devices/${device.id}/files/notifications?api-version=2020-03-13`;
    expect((await ask("POST", path, device.sas, notice)).status).toBe(204);
  });

  it("is taken from nobody else, and under no other name", async () => {
    const [device, other] = [await provisioned("porch-2"), await provisioned("porch-3")];
    const files = `/devices/${device.id}/files`;
    expect((await ask("POST", files, other.sas, { blobName: "b" })).status).toBe(403);
    for (const wrong of ["", "Bearer x", "SharedAccessSignature sr=a&sig=AAAA&se=1"]) {
      expect((await ask("POST", files, wrong, { blobName: "b" })).status).toBe(401);
    }
    for (const blobName of ["", "a/b", "../x", 7]) {
      expect((await ask("POST", files, device.sas, { blobName } as Json)).status).toBe(400);
    }
    const { json } = await begin(device, "mine");
    const bytes = randomBytes(10);
    expect((await put(blobUrl({ ...json, blobName: "other" }), bytes)).status).toBe(403);
    expect((await put(blobUrl({ ...json, sasToken: "?sig=AAAA" }), bytes)).status).toBe(403);
    expect((await put(blobUrl({ ...json, sasToken: "" }), bytes)).status).toBe(403);
  });
});

describe("what a device sends by MQTT", () => {
  const list = async (what: string) =>
    (await native("GET", `/streams/${what}?limit=1000`)).json[what] as Json[];

  it("is sorted into batches, slices and messages, also what it uploaded; the rest is a dead letter", async () => {
    const device = await provisioned("porch-6");
    await native("PUT", "/stream-groups/fruit/streams/mixed", { concatenation: "lines" });
    const patterns = { batchPattern: "{dateTime:yyyy}", messagePattern: "m{sequenceId}" };
    await native("PUT", "/stream-groups/fruit/streams/named", patterns);
    const large = randomBytes(300_000);
    const { json } = await begin(device, "large-1");
    await put(blobUrl(json), large);
    const client = await connectAsync(system.mqttUrl, {
      ...{ clientId: device.id, username: `localhost/${device.id}/?api-version=2018-06-30` },
      ...{ password: device.sas, protocolVersion: 4, clean: false },
    });
    const tell = (bag: string, payload: string | Buffer = "") =>
      client.publishAsync(
        `devices/${device.id}/messages/events/stream-group-name=fruit&stream-name=${bag}`,
        payload,
        { qos: 1 },
      );
    for (const [slice, id] of ["apples 1", "oranges 2", "apples 3"].map((text) => text.split(" "))) {
      await tell(`mixed&batch-id=b1&batch-slice-id=${slice}&message-id=${id}`, `${slice} ${id}`);
    }
    for (const chunk of [1, 2, 3, 4]) {
      await tell(`mixed&batch-id=b2&message-id=whole&chunk-id=${chunk}`, `part ${chunk},`);
    }
    await tell("mixed&batch-id=b2&message-id=whole&complete-message=true&ignore-payload=true");
    await tell("mixed&batch-id=b2&message-id=large&has-externalized-payload=true", '{"link":"large-1"}');
    await tell("mixed&batch-id=b2&complete-batch=true&ignore-payload=true");
    await tell("named", "gets its ids");
    await tell("nowhere&batch-id=b1&message-id=1", "lost");
    await tell("mixed&batch-id=b3", "without an id");
    await client.endAsync();
    const messages = await until("all are stored", async () => {
      const found = await list("messages");
      return found.length === 6 && found.every(({ sha256 }) => sha256 !== null) && found;
    });
    const year = new Date().getUTCFullYear();
    expect(messages.map(({ path }) => path)).toEqual([
      ...["b1/1", "b1/2", "b1/3", "b2/whole", "b2/large"].map((id) => `messages/fruit/mixed/porch-6/${id}`),
      `messages/fruit/named/porch-6/${year}/m1`,
    ]);
    const sha256 = createHash("sha256").update(large).digest("hex");
    expect(messages[4]).toMatchObject({ bytes: 300_000, sha256 });
    expect(messages[3]).toMatchObject({ bytes: "part 1,part 2,part 3,part 4,".length });
    const batches = (await list("batches")).filter(({ state }) => state === "complete");
    expect(batches.map(({ id }) => id).sort()).toEqual(["b1", "b2"]);
    const first = batches.find(({ id }) => id === "b1");
    const data = `/v1/namespaces/test/streams/batches/${first?.["number"]}/data?slice=apples`;
    const headers = { authorization: `Bearer ${system.adminKey}` };
    expect(await (await fetch(`${system.url}${data}`, { headers })).text()).toBe("apples 1\napples 3\n");
    const dead = await until("both are told of", async () => {
      const { json: page } = await native("GET", "/streams/dead-letters");
      const found = page["deadLetters"] as Json[];
      return found.length === 2 && found;
    });
    expect(dead.map(({ reason }) => reason).sort()).toEqual(["no-message", "unknown-stream"]);
  });

  it("is listed and read by its paths, by whoever has a URL that was made for it", async () => {
    const stored = async (container: string) => {
      const asked = { container, duration: "00:00:10:00" };
      const { json } = await operate("POST", "/storage/secure-uri", asked);
      const [base, query] = String(json["secureUri"]).split("?");
      const get = (path: string, more = "") => fetch(`${base}${path}?${query}${more}`);
      const paths = async (more: string) => {
        const page = (await (await get("", more)).json()) as { files: Json[]; next: string | null };
        return [page.files.map(({ path }) => path), page.next] as const;
      };
      return { get, paths, text: async (path: string) => (await get(`/${path}`)).text() };
    };
    const messages = await stored("Messages");
    const own = ["1", "2", "3"].map((id) => `messages/fruit/mixed/porch-6/b1/${id}`);
    expect(await messages.paths("&prefix=messages/fruit/mixed/porch-6/b1/")).toEqual([own, null]);
    expect(await messages.paths("&prefix=messages/fruit/mixed/&limit=1")).toEqual([[own[0]], own[0]]);
    expect(await messages.text(own[1] ?? "")).toBe("oranges 2");
    const large = await messages.get("/messages/fruit/mixed/porch-6/b2/large");
    expect((await large.arrayBuffer()).byteLength).toBe(300_000);
    const batches = await stored("Batches");
    const slices = ["apples", "oranges"].map((slice) => `batches/fruit/mixed/porch-6/b1/${slice}`);
    const prefix = "&prefix=batches/fruit/mixed/porch-6/b1";
    await until("both are stored", async () => (await batches.paths(prefix))[0].length === 2);
    expect(await batches.paths(prefix)).toEqual([slices, null]);
    expect(await batches.text(slices[0] ?? "")).toBe("apples 1\napples 3\n");
    const dead = await stored("DeadLetter");
    const [letters] = await dead.paths("");
    expect(await Promise.all(letters.map((path) => dead.text(String(path))))).toEqual([
      ...["lost", "without an id"],
    ]);
    for (const [path, status] of [
      ["messages/fruit/mixed/porch-6/b1/4", 404],
      ["messages", 404],
      [slices[0], 404],
    ] as const) {
      expect((await messages.get(`/${path}`)).status).toBe(status);
    }
    expect((await messages.get("", "&limit=0")).status).toBe(400);
    expect((await fetch(`${system.url}/stream-storage?sig=AAAA`)).status).toBe(403);
    expect((await fetch(`${system.url}/stream-storage/${own[0]}`)).status).toBe(403);
    for (const wrong of [
      { container: "Messages", duration: "a while" },
      { container: "Messages", duration: "40:00:00:00" },
      { container: "Others", duration: "00:10:00" },
    ]) {
      expect((await operate("POST", "/storage/secure-uri", wrong)).status).toBe(400);
    }
  });
});

describe("stream groups and streams", () => {
  it("are made, changed and listed by operators, in the dialect's words", async () => {
    const group = { name: "orchard", useWorkspaceStorage: true, defaultStream: "trees" };
    const madeGroup = { ...group, isDefault: false };
    expect(await operate("PUT", "/stream-groups", group)).toMatchObject({ status: 200, json: madeGroup });
    const stream = {
      ...{ streamGroupName: "orchard", streamName: "trees", concatenationMode: "WithNewLines" },
      batchIdAutofillPattern: "{dateTime:yyyy-MM-dd-hh-mm}",
    };
    const made = { ...stream, messageIdAutofillPattern: null };
    expect(await operate("PUT", "/streams", stream)).toMatchObject({ status: 200, json: made });
    expect((await operate("PUT", "/stream-groups", { name: "orchard" })).json).toEqual(madeGroup);
    const { streamGroups } = (await operate("GET", "/stream-groups")).json as { streamGroups: Json[] };
    expect(streamGroups).toContainEqual(madeGroup);
    const { streams } = (await operate("GET", "/streams")).json as { streams: Json[] };
    expect(streams).toContainEqual(made);
    for (const wrong of [{}, { name: "a/b" }, { name: "a", useWorkspaceStorage: false }]) {
      expect((await operate("PUT", "/stream-groups", wrong)).status).toBe(400);
    }
    for (const more of [{ concatenationMode: "Sometimes" }, { messageIdAutofillPattern: "{year}" }]) {
      expect((await operate("PUT", "/streams", { ...stream, ...more })).status).toBe(400);
    }
  });
});

describe("a namespace that is disabled", () => {
  it("refuses all that its devices ask with 423, until it is enabled", async () => {
    const device = await provisioned("porch-4");
    const { json } = await begin(device, "later");
    expect((await native("POST", "/disable", { reason: "unpaid" })).status).toBeLessThan(300);
    const asked = {
      init: () => ask("POST", "/provisioning-operations/init", `DeviceToken ${token}`, {}),
      register: () => ask("PUT", "/devices/register", device.registration, {}),
      begin: () => begin(device, "x"),
      put: () => put(blobUrl(json), randomBytes(10)),
      publish: () => native("POST", "/events", { specversion: "1.0", id: "1", source: "x", type: "x" }),
    };
    await until("a refusal", async () => (await asked.begin()).status === 423);
    for (const [what, request] of Object.entries(asked)) {
      expect({ what, status: (await request()).status }).toEqual({ what, status: 423 });
    }
    // Who operates it goes on.
    expect((await operate("GET", "")).json).toMatchObject({ isDisabled: true });
    expect((await native("POST", "/enable")).status).toBeLessThan(300);
    await until("the device is let in", async () => (await begin(device, "x")).status === 200);
    expect((await put(blobUrl(json), randomBytes(10))).status).toBe(201);
  });
});

describe("what an operator sends to a device", () => {
  const to = (path: string, body = "{}") =>
    send(
      "POST",
      `${system.url}/workspaces/test/devices/${path}`,
      { authorization: `Bearer ${system.adminKey}` },
      body,
    );

  it("is kept for the device; a call is not", async () => {
    await provisioned("porch-5");
    expect(await to("porch-5/c2d-messages", "any bytes")).toMatchObject({
      ...{ status: 202, json: { messageId: expect.stringMatching(/^[0-9a-f-]{36}$/) } },
    });
    expect((await to("porch-5/methods/blink")).status).toBe(404);
  });

  it("is refused where there is no such device, and what is no call", async () => {
    expect((await to("nobody/c2d-messages")).status).toBe(404);
    expect((await to("nobody/methods/blink")).status).toBe(404);
    expect((await to("porch-5/methods/blink", "{")).status).toBe(400);
    expect((await to("porch-5/methods/b%20c")).status).toBe(400);
  });
});
