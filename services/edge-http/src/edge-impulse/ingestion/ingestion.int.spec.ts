import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { limits } from "@fieldlog/contracts";
import { until } from "@fieldlog/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { projectIdOf } from "../studio/numbers.js";
import { acquisition, cbor, json, signed, wav } from "./documents.fixture.js";
import { DEVICE, Door, HMAC, KEY, OPERATOR, READER } from "./door.fixture.js";

let door: Door;
beforeAll(async () => {
  door = await new Door().start();
});
afterAll(() => door?.stop());
beforeEach(() => {
  door.stored.length = 0;
  door.objects.clear();
  door.errors.length = 0;
});

type Headers = Record<string, string>;

async function post(path: string, body: Buffer | FormData, headers: Headers = {}) {
  const sent = body instanceof FormData ? body : new Uint8Array(body);
  const all = { "x-api-key": KEY, ...headers };
  const response = await fetch(`${door.url}${path}`, { method: "POST", headers: all, body: sent });
  const text = await response.text();
  // biome-ignore lint/suspicious/noExplicitAny: any JSON, held against literals
  const answer: any = text.startsWith("{") ? JSON.parse(text) : {};
  return { status: response.status, text, json: answer, headers: response.headers };
}

const data = (body: Buffer | FormData, headers: Headers = {}, category = "training") =>
  post(`/api/${category}/data`, body, { "x-file-name": "idle.01", ...headers });
const files = (form: FormData, headers: Headers = {}, category = "training") =>
  post(`/api/${category}/files`, form, headers);
const newest = () => door.stored.at(-1)?.sample;

function form(...parts: [name: string, content: Buffer, fileName?: string, type?: string][]): FormData {
  const made = new FormData();
  for (const [name, content, fileName, type = "application/octet-stream"] of parts) {
    made.append(name, new Blob([new Uint8Array(content)], { type }), fileName ?? "blob");
  }
  return made;
}

describe("an acquisition document", () => {
  it("is stored as it came, described by what is in it and by the headers; the answer is its name", async () => {
    const bytes = signed(json(acquisition()), HMAC);
    const headers = {
      ...{ "x-label": encodeURIComponent("grün & blau"), "content-type": "application/json" },
      ...{ "x-metadata": '{"site":"roof","floor":3}', "x-upload-source": "TEST", "x-device-type": "OTHER" },
    };
    const { status, text, headers: got } = await data(bytes, headers);
    expect([status, text, got.get("content-type")]).toEqual([200, "idle.01", "text/plain; charset=utf-8"]);
    expect(newest()).toMatchObject({
      ...{
        category: "training",
        label: "grün & blau",
        fileName: "idle.01",
        signature: "valid",
        device: DEVICE,
      },
      ...{ deviceType: "PORTENTA_H7_M7", intervalMs: 10, lengthMs: 20, values: 2n, enabled: true },
      ...{ metadata: { site: "roof", floor: "3" }, uploadSource: "TEST", key: DEVICE, attachments: [] },
      axes: ["accX", "accY", "accZ"].map((name) => ({ name, units: "m/s2" })),
      stored: { bytes: BigInt(bytes.length), mediaType: "application/json" },
    });
    expect(door.stored.at(-1)).toMatchObject({ unique: false, decidedBy: "key:k1", documentDevice: DEVICE });
    expect(newest()?.stored?.sha256).toEqual(createHash("sha256").update(bytes).digest());
    expect(await door.content()).toEqual(bytes);
  });

  it.each([
    ["CBOR", signed(cbor(acquisition()), HMAC), "valid"],
    ["JSON called CBOR", signed(json(acquisition()), HMAC), "valid"],
    ["an expired key", signed(cbor(acquisition()), "expired"), "invalid"],
    ["the key as hex", signed(cbor(acquisition()), Buffer.from(HMAC, "hex").toString("latin1")), "invalid"],
    ["the JSON's signature", cbor(acquisition()), "invalid"],
    ["no signature", json(acquisition({}, "none")), "unsigned"],
  ])("with %s is stored and flagged, never refused for it", async (_, bytes, signature) => {
    const { status } = await data(bytes, { "content-type": "application/cbor" }, "testing");
    expect([status, newest()?.signature, newest()?.category]).toEqual([200, signature, "testing"]);
  });

  it("may have its numbers behind it", async () => {
    const payload = { interval_ms: 0.0625, sensors: [{ name: "audio", units: "wav" }] };
    const head = cbor(acquisition({ ...payload, values: ["Ref-Binary-i16   "] }));
    const bytes = signed(Buffer.concat([head, Buffer.alloc(32_000)]), HMAC);
    expect((await data(bytes, { "content-type": "application/octet-stream" })).status).toBe(200);
    expect(newest()).toMatchObject({ signature: "valid", values: 16_000n, lengthMs: 1_000 });
    expect(newest()?.stored?.mediaType).toBe("application/octet-stream");
  });

  it.each([
    ["mobile", ["message", "image"]],
    ["the CLI 1.7", ["body", "attachments"]],
    ["OpenMV", ["attachments[]", "attachments[]"]],
  ])("comes with a picture as %s names the parts, whichever is first", async (_, names) => {
    const values = ["Ref-BINARY-image/jpeg (5 bytes) xyz"];
    const document = signed(json(acquisition({ device_name: "phone", interval_ms: 0, values })), HMAC);
    const picture = Buffer.from([0xff, 0xd8, 1, 0xff, 0xd9]);
    const parts: Parameters<typeof form> = [
      [names[0] as string, document, "message.json", "application/cbor"],
      [names[1] as string, picture, "C:\\images\\image.jpg", "image/jpeg"],
    ];
    for (const sent of [parts, parts.toReversed()]) {
      const { status, text } = await data(form(...sent), { "x-file-name": "cup", "x-no-date-id": "1" });
      expect([status, text]).toEqual([200, "cup"]);
      expect(newest()).toMatchObject({
        ...{ label: "cup", signature: "valid", device: "", values: 0n },
        stored: { mediaType: "application/octet-stream" },
        attachments: [
          { name: "cup", mediaType: "application/json", bytes: BigInt(document.length) },
          { name: "image.jpg", mediaType: "image/jpeg", bytes: 5n },
        ],
      });
      expect(await door.content()).toEqual(Buffer.concat([document, picture]));
    }
    expect(door.stored.at(-1)?.documentDevice).toBe("phone");
  });

  it.each<[string, Headers, string]>([
    ["by the file's name", {}, "idle"],
    ["by the header, percent-encoded", { "x-label": "two%20words" }, "two words"],
    ["by the header as it is, though it cannot be decoded", { "x-label": "100%" }, "100%"],
    ["by the header in UTF-8", { "x-label": Buffer.from("größe").toString("latin1") }, "größe"],
    ["by the file's name if the header is empty", { "x-label": "" }, "idle"],
    ["by nothing", { "x-label": "", "x-no-label": "1" }, ""],
    ["by the beginning of a long name", { "x-file-name": "wave-2_left hand(3).json" }, "wave-2_left hand"],
    ["by nothing that it could be", { "x-file-name": "(3)" }, ""],
  ])("has its label %s", async (_, headers, label) => {
    expect((await data(json(acquisition()), headers)).status).toBe(200);
    expect(newest()?.label).toBe(label);
  });

  it("gets a name that no other has, if it is to; and none that leads somewhere else", async () => {
    const add = { "x-add-date-id": "1" };
    const one = await data(json(acquisition()), add);
    const two = await data(json(acquisition()), { ...add, "x-file-name": "idle.wav" });
    expect(one.text).toMatch(/^idle\.01\.[0-9a-z]{13,}$/);
    expect(two.text).toMatch(/^idle\.[0-9a-z]{13,}\.wav$/);
    expect(newest()).toMatchObject({ fileName: two.text, label: "idle" });
    expect((await data(json(acquisition()), { "x-file-name": "..%2F..%2Fetc%2Fpasswd%00" })).text).toBe(
      "passwd",
    );
    expect((await data(json(acquisition()), { "x-file-name": "/.." })).text).toBe("sample");
    expect((await data(json(acquisition()), { "x-file-name": "gr%C3%BCn.1" })).text).toBe("grün.1");
  });

  it("is refused a second time, whatever is in the header that says so, and nothing of it is left", async () => {
    const bytes = json(acquisition());
    for (const value of ["1", "true", "0"]) {
      const { status, text } = await data(bytes, { "x-disallow-duplicates": value });
      if (value === "1") expect(status).toBe(200);
      else
        expect([status, text]).toEqual([
          409,
          expect.stringMatching(/^An item with this hash already exists/),
        ]);
    }
    expect([door.stored.length, door.objects.size]).toEqual([1, 1]);
    expect((await data(bytes)).status).toBe(200);
  });

  it.each<[string, number, Headers, Buffer]>([
    ["without a key", 401, { "x-api-key": "" }, json(acquisition())],
    ["with a key that nobody has", 401, { "x-api-key": "ei_nothing" }, json(acquisition())],
    ["with a key of the installation", 401, { "x-api-key": OPERATOR }, json(acquisition())],
    ["with a key that may read alone", 403, { "x-api-key": READER }, json(acquisition())],
    ["without a name", 421, { "x-file-name": "" }, json(acquisition())],
    ["that is none", 400, {}, Buffer.from("hello")],
    ["that is empty", 400, {}, Buffer.alloc(0)],
    ["without values", 400, {}, json(acquisition({ values: undefined }))],
    ["with metadata that are no object", 400, { "x-metadata": "[1]" }, json(acquisition())],
    ["with metadata that are no JSON", 400, { "x-metadata": "{" }, json(acquisition())],
    ["with metadata in metadata", 400, { "x-metadata": '{"a":{}}' }, json(acquisition())],
    ["with a long label", 400, { "x-label": "x".repeat(1_025) }, json(acquisition())],
    ["with boxes that are no list", 400, { "x-bounding-boxes": "{}" }, json(acquisition())],
    ["in a multipart that is none", 400, { "content-type": "multipart/form-data; boundary=x" }, json({})],
    ["in a multipart without a boundary", 400, { "content-type": "multipart/form-data; a" }, json({})],
  ])("%s is refused with %i in a text, and nothing is left", async (_, status, headers, body) => {
    const refused = await data(body, headers);
    expect([refused.status, refused.headers.get("content-type")]).toEqual([
      status,
      "text/plain; charset=utf-8",
    ]);
    expect(refused.text).toMatch(/^[A-Z].+\.$/);
    expect([door.stored.length, door.objects.size, door.room.size]).toEqual([0, 0, 0]);
    expect(door.errors).toEqual([]);
  });
});

describe("files", () => {
  it("are stored each on its own, described by what they are, and answered one by one", async () => {
    const sound = wav(16_000, Array(32).fill(5), 2);
    const sent = form(
      ["data", sound, "left.wav", "audio/wav"],
      ["data", Buffer.from("a,b\n1,2"), "table.csv", "text/csv"],
      ["data", signed(cbor(acquisition()), HMAC), "wave.cbor", "application/cbor"],
      ["data", Buffer.from("<script>"), "page.html", "text/html"],
      ["data", Buffer.from("hello"), "broken.json", "application/json"],
    );
    const { status, json: answer } = await files(sent, { "x-add-date-id": "0", "x-label": "noise" }, "split");
    expect(status).toBe(200);
    const projectId = projectIdOf("n1");
    const stored = ["left.wav", "table.csv", "wave.cbor", "page.html"];
    expect(answer).toEqual({
      success: true,
      files: [
        ...stored.map((fileName, i) => ({ success: true, fileName, projectId, sampleId: i + 1 })),
        {
          success: false,
          fileName: "broken.json",
          projectId,
          error: "The document is neither JSON nor CBOR.",
        },
      ],
    });
    const types = door.stored.map(({ sample }) => [sample?.stored?.mediaType, sample?.signature]);
    expect(types).toEqual([
      ["audio/wav", ""],
      ["text/csv", ""],
      ["application/cbor", "valid"],
      ["application/octet-stream", ""],
    ]);
    expect(door.stored[0]?.sample).toMatchObject({
      ...{ category: "split", label: "noise", intervalMs: 0.0625, values: 16n, lengthMs: 1, device: "" },
      axes: [{ name: "audio 1" }, { name: "audio 2" }],
    });
  });

  it("are told apart by size only while they go through: three megabytes are in objects of a hundred kilobytes", async () => {
    const content = randomBytes(3_000_000);
    const { json: answer } = await files(form(["data", content, "clip.mp4", "video/mp4"]));
    expect(answer.files).toMatchObject([{ success: true, fileName: "clip.mp4" }]);
    expect(door.objects.size).toBe(30);
    expect(await door.content()).toEqual(content);
  });

  it("may have labels in files beside them, before or after them", async () => {
    const about = (type: string, fields: object) => json({ version: 1, type, ...fields });
    const box = { label: "cup", x: 1, y: 2, width: 3, height: 4 };
    const stretch = { startIndex: 0, endIndex: 300, label: "first" };
    const sent = form(
      ["data", about("bounding-box-labels", { boundingBoxes: { "a.jpg": [box] } }), "bounding_boxes.labels"],
      ["data", Buffer.from("jpeg"), "a.jpg", "image/jpeg"],
      ["data", json(acquisition()), "b.json", "application/json"],
      ["data", Buffer.from("note"), "note.txt", "text/plain"],
      [
        "data",
        about("structured-labels", { structuredLabels: { "b.json": [stretch] } }),
        "structured_labels.labels",
      ],
      ["data", about("label-map-labels", { labels: { "b.json": ["x", "y"] } }), "label_map.labels"],
      [
        "data",
        about("attachments", { attachments: { "b.json": [{ filename: "note.txt" }] } }),
        "attachments.labels",
      ],
    );
    const { json: answer } = await files(sent, { "x-no-label": "1", "x-label": "" });
    expect(answer.files.map((file: { fileName: string }) => file.fileName)).toEqual([
      "a.jpg",
      "b.json",
      "note.txt",
    ]);
    const [a, b, note] = door.stored.map(({ sample }) => sample);
    expect(JSON.parse(a?.annotationsJson ?? "")).toEqual({ boundingBoxes: [box] });
    expect(JSON.parse(b?.annotationsJson ?? "")).toEqual({
      ...{ structuredLabels: [stretch], labels: { 0: "x", 1: "y" }, attachments: ["note.txt"] },
    });
    expect(note).toMatchObject({
      enabled: false,
      metadata: { attachment_of: "b.json" },
      annotationsJson: "",
    });
  });

  it.each<[string, number, FormData]>([
    ["labels that are no JSON", 400, form(["data", Buffer.from("{"), "x.labels"])],
    ["labels of another kind", 400, form(["data", json({ version: 1, type: "x" }), "x.labels"])],
    [
      "nothing but labels",
      400,
      form(["data", json({ version: 1, type: "attachments", attachments: {} }), "x.labels"]),
    ],
    ["no file", 400, new FormData()],
  ])("with %s are refused with %i as JSON", async (_, status, sent) => {
    const refused = await files(sent);
    expect([refused.status, refused.json]).toEqual([status, { success: false, error: expect.any(String) }]);
    expect([door.stored.length, door.objects.size]).toEqual([0, 0]);
  });

  it("that are no multipart, of nobody, or too many are refused as JSON", async () => {
    const plain = await post("/api/training/files", json({}), { "content-type": "application/json" });
    expect([plain.status, plain.json.success]).toEqual([400, false]);
    const nobody = await files(form(["data", Buffer.from("x"), "a.txt"]), { "x-api-key": "ei_nothing" });
    expect([nobody.status, nobody.json.success]).toEqual([401, false]);
    const many = new FormData();
    for (let i = 0; i <= limits.samplesPerRequest; i++) many.append("data", new Blob(["x"]), `${i}.txt`);
    const refused = await files(many);
    expect([refused.status, refused.json]).toEqual([
      400,
      { success: false, error: expect.stringContaining("1000") },
    ]);
    expect([door.stored.length, door.objects.size]).toEqual([0, 0]);
  });

  it("a duplicate among them is told of that file alone, in the words that clients look for", async () => {
    const one = ["data", Buffer.from("the same"), "a.txt"] as [string, Buffer, string];
    const { status, json: answer } = await files(form(one, ["data", Buffer.from("the same"), "b.txt"]), {
      "x-disallow-duplicates": "1",
    });
    expect(status).toBe(200);
    expect(answer.files).toMatchObject([
      { success: true, fileName: "a.txt" },
      { success: false, error: expect.stringMatching(/^An item with this hash already exists/) },
    ]);
    expect(door.objects.size).toBe(1);
  });

  it("while nobody can decide are refused as a whole, so that they are sent again", async () => {
    door.away = 3;
    const refused = await files(
      form(["data", Buffer.from("x"), "a.txt"], ["data", Buffer.from("y"), "b.txt"]),
    );
    expect([refused.status, refused.json.success]).toEqual([503, false]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    // Of the first nobody knows whether it was decided: its bytes stay.
    expect([door.stored.length, door.objects.size]).toEqual([0, 1]);
  });
});

describe("senders", () => {
  it("who break off leave nothing", async () => {
    const head = "multipart/form-data; boundary=x\r\ncontent-length: 500000";
    const begin = '--x\r\ncontent-disposition: form-data; name="data"; filename="a.bin"\r\n\r\n';
    await new Promise<void>((resolve) => {
      const { port } = new URL(door.url);
      const socket = connect(Number(port), "127.0.0.1", () => {
        socket.write(
          `POST /api/training/files HTTP/1.1\r\nhost: x\r\nx-api-key: ${KEY}\r\ncontent-type: ${head}\r\n\r\n${begin}`,
        );
        socket.write(
          Buffer.alloc(250_000),
          () =>
            void until("some is stored", async () => door.objects.size > 0).then(() =>
              socket.resetAndDestroy(),
            ),
        );
      });
      socket.on("error", () => undefined).on("close", () => resolve());
    });
    await until("it is gone", async () => door.objects.size === 0);
    expect([door.stored.length, door.room.size, door.errors]).toEqual([0, 0, []]);
  });

  it("of documents that are together too large to be held are asked to come again", async () => {
    const large = json({ ...acquisition(), more: "x".repeat(1_100_000) });
    const refused = await data(large);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "5"]);
    expect(door.room.size).toBe(0);
    expect((await data(json(acquisition()))).status).toBe(200);
  });

  it("of a page ask first, and may; others than POST are told so", async () => {
    const preflight = await fetch(`${door.url}/api/training/data`, {
      method: "OPTIONS",
      headers: { origin: "https://phone.example", "access-control-request-headers": "x-api-key,x-label" },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, "*"]);
    expect(preflight.headers.get("access-control-allow-headers")).toBe("*");
    const { headers } = await data(json(acquisition()), { origin: "https://phone.example" });
    expect(headers.get("access-control-allow-origin")).toBe("*");
    expect((await fetch(`${door.url}/api/training/files`)).status).toBe(405);
  });
});
