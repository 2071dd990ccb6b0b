import { createHash, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { type System, startServers, startSystem, type TestServers, until } from "@fieldlog/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectIdOf } from "../studio/numbers.js";
import { acquisition, cbor, json, signed, wav } from "./documents.fixture.js";

/** As the document names it. */
const DEVICE = "15:FE:90:11:1D:18";
interface Forwarder {
  _options: { ingestionHost: string };
  addData(values: number[]): void;
  /** Rejects with the body of a refusal. */
  upload(asked: { filename: string; label: string; category: string }): Promise<string>;
}
const { DataForwarder } = createRequire(import.meta.url)(
  "edge-impulse-linux-1.25/build/library/data-forwarder.js",
) as { DataForwarder: new (options: object) => Forwarder };

let servers: TestServers;
let system: System;
let key: { id: string; key: string };
let hmac: string;

beforeAll(async () => {
  servers = await startServers();
  system = await startSystem({
    ...{ natsUrl: servers.nats.url, postgresUrl: await servers.databaseUrl("ingestion") },
    inOneProcess: true,
  });
  key = (await api("POST", "/api-keys", { kind: "edge-impulse" })).json;
  hmac = (await api("POST", "/api-keys", { kind: "hmac" })).json.key;
});
afterAll(async () => {
  await system?.stop();
  await servers?.stop();
});

async function api(method: string, path: string, body?: object) {
  const response = await fetch(`${system.url}/v1/namespaces/test${path}`, {
    method,
    headers: {
      authorization: `Bearer ${system.adminKey}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const isJson =
    (response.headers.get("content-type") ?? "").startsWith("application/json") && bytes.length > 0;
  // biome-ignore lint/suspicious/noExplicitAny: any JSON, held against literals
  const answer: any = isJson ? JSON.parse(bytes.toString()) : {};
  return { status: response.status, bytes, json: answer };
}

async function send(path: string, body: Buffer | FormData, headers: Record<string, string> = {}) {
  const sent = body instanceof FormData ? body : new Uint8Array(body);
  const all = { "x-api-key": key.key, "x-file-name": "wave.01", ...headers };
  const response = await fetch(`${system.url}/api/${path}`, { method: "POST", headers: all, body: sent });
  return { status: response.status, text: await response.text() };
}

const samples = async (query: string) => (await api("GET", `/samples?${query}`)).json.samples;
const dataOf = async (number: number) => (await api("GET", `/samples/${number}/data`)).bytes;

describe("training data", () => {
  it("that a board signs and sends is listed, found by what is known of it, read back, and told as an event", async () => {
    const project = projectIdOf("test");
    const board = { deviceId: DEVICE, deviceType: "PORTENTA_H7_M7", ifNotExists: true };
    const created = await fetch(`${system.url}/v1/api/${project}/devices/create`, {
      method: "POST",
      headers: { "x-api-key": key.key, "content-type": "application/json" },
      body: JSON.stringify(board),
    });
    expect(created.status).toBe(200);
    const bytes = signed(cbor(acquisition()), hmac);
    const headers = { "x-metadata": '{"site":"roof"}', "content-type": "application/cbor" };
    expect(await send("training/data", bytes, headers)).toEqual({ status: 200, text: "wave.01" });
    const [sample, ...others] = await samples(
      "category=training&label=wave&signature=valid&metadata.site=roof",
    );
    expect(others).toEqual([]);
    expect(sample).toMatchObject({
      ...{
        device: DEVICE,
        fileName: "wave.01",
        deviceType: "PORTENTA_H7_M7",
        intervalMs: 10,
        lengthMs: 20,
        values: 2,
      },
      ...{ mediaType: "application/cbor", bytes: bytes.length, metadata: { site: "roof" } },
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
    expect(await dataOf(sample.number)).toEqual(bytes);
    const { json: values } = await api("GET", `/samples/${sample.number}/values?format=json`);
    expect(values.values[1]).toEqual([-9.83, 0.04, 1.27]);
    const events = await until("it is an event", async () => {
      const { json: answer } = await api("GET", "/events?type=SampleStored");
      return answer.events.length > 0 && answer.events;
    });
    expect(events[0].device).toBe(DEVICE);
    expect(events[0].data).toMatchObject({ sample: sample.number, label: "wave", signature: "valid" });
  });

  it("of the stock data forwarder is taken as it signs and sends it, and told to be there already", async () => {
    const forwarder = new DataForwarder({
      ...{ host: "localhost", apiKey: key.key, hmacKey: hmac, deviceId: DEVICE, deviceType: "FORWARDER" },
      ...{ sensors: [{ name: "temperature", units: "Cel" }], frequency: 62.5 },
    });
    // Its port is fixed; the address is all that is changed.
    forwarder._options.ingestionHost = system.url;
    for (let i = 0; i < 50; i++) forwarder.addData([20 + i / 10]);
    const asked = { filename: "größe 1", label: "warm & dry", category: "training" };
    expect(await forwarder.upload(asked)).toBe("größe 1");
    const [sample] = await samples(`label=${encodeURIComponent("warm & dry")}`);
    expect(sample).toMatchObject({
      ...{ signature: "valid", device: DEVICE, values: 50, intervalMs: 16, lengthMs: 800 },
      axes: [{ name: "temperature", units: "Cel" }],
    });
    // It signs the second as well, so that it sends the same again within a second alone.
    await until("it is there already", () =>
      forwarder.upload(asked).then(
        () => false,
        (body: unknown) => /^An item with this hash already exists/.test(String(body)),
      ),
    );
  });

  it("with a picture is one sample of which both are read back", async () => {
    const values = ["Ref-BINARY-image/jpeg (4 bytes) xyz"];
    const document = signed(json(acquisition({ interval_ms: 0, values })), hmac);
    const picture = Buffer.from([0xff, 0xd8, 0xff, 0xd9]);
    const form = new FormData();
    form.append(
      "message",
      new Blob([new Uint8Array(document)], { type: "application/json" }),
      "message.json",
    );
    form.append("image", new Blob([picture], { type: "image/jpeg" }), "image.jpg");
    expect((await send("testing/data", form, { "x-file-name": "cup" })).status).toBe(200);
    const [sample] = await samples("category=testing&label=cup");
    expect(sample.attachments).toMatchObject([{ bytes: document.length }, { name: "image.jpg", bytes: 4 }]);
    expect(await dataOf(sample.number)).toEqual(Buffer.concat([document, picture]));
  });

  it("in files, small and large, is stored as it came", async () => {
    const large = randomBytes(9 * 1024 * 1024);
    const form = new FormData();
    form.append("data", new Blob([new Uint8Array(wav(16_000, [1, 2, 3, 4]))]), "hum.1.wav");
    form.append("data", new Blob([new Uint8Array(large)]), "hum.2.mp4");
    const { status, text } = await send("anomaly/files", form);
    const { files } = JSON.parse(text);
    expect([status, files.map((file: { success: boolean }) => file.success)]).toEqual([200, [true, true]]);
    const [small, big] = await samples("category=anomaly&label=hum");
    expect([small.number, big.number]).toEqual(files.map((file: { sampleId: number }) => file.sampleId));
    expect(small).toMatchObject({ lengthMs: 0.25, mediaType: "audio/wav", axes: [{ name: "audio" }] });
    expect((await dataOf(big.number)).equals(large)).toBe(true);
  });

  it("that may not be there twice is stored once, though it is sent several times at once", async () => {
    const bytes = json(acquisition({ values: [[7, 7, 7]] }, "none"));
    const headers = { "x-disallow-duplicates": "1", "x-label": "once" };
    const answers = await Promise.all(Array.from({ length: 4 }, () => send("training/data", bytes, headers)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { status, text } of answers) {
      if (status !== 200) expect(text).toMatch(/^An item with this hash already exists/);
    }
    expect(await samples("label=once")).toHaveLength(1);
  });

  it("that is to be split is in training or testing, the same always in the same", async () => {
    const sides: string[] = [];
    for (let i = 0; i < 8; i++) {
      const bytes = json(acquisition({ values: [[i, 0, 0]] }, "none"));
      for (const label of ["split", "again"]) {
        expect((await send("split/data", bytes, { "x-label": label })).status).toBe(200);
      }
    }
    const [first, second] = [await samples("label=split"), await samples("label=again")];
    sides.push(...first.map(({ category }: { category: string }) => category));
    expect(second.map(({ category }: { category: string }) => category)).toEqual(sides);
    expect([...new Set(sides)].filter((side) => side !== "training" && side !== "testing")).toEqual([]);
  });

  it("with another signature is kept and flagged", async () => {
    expect(
      (await send("training/data", signed(json(acquisition()), "another"), { "x-label": "odd" })).status,
    ).toBe(200);
    expect(await samples("label=odd&signature=invalid")).toHaveLength(1);
  });

  it("of a key that was revoked is refused within a moment, and so is what was signed flagged with a void key", async () => {
    const [made] = (await api("GET", "/hmac-keys")).json.keys;
    expect(made.key).toBe(hmac);
    expect((await api("DELETE", `/api-keys/${made.id}`)).status).toBe(204);
    const bytes = signed(json(acquisition()), hmac);
    expect((await send("training/data", bytes, { "x-label": "void" })).status).toBe(200);
    expect(await samples("label=void&signature=invalid")).toHaveLength(1);
    expect((await api("DELETE", `/api-keys/${key.id}`)).status).toBe(204);
    await until("it is void", async () => (await send("training/data", bytes)).status === 401);
  });
});
