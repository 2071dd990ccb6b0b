import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { bytesOf } from "./behaviour.fixture.js";
import { NoSuchObject, ObjectsUnavailable } from "./object-store.js";
import { nameOfS3Key, s3KeyOf } from "./s3-key.js";
import { S3Objects } from "./s3-objects.js";

interface Recorded {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly bytes: number;
}

const recorded: Recorded[] = [];
let answers: (() => Response)[] = [];

/** Each request is recorded, and answered with the next of the answers, else with 200. */
async function record(input: unknown, init: RequestInit = {}): Promise<Response> {
  const body = init.body as Uint8Array | string | undefined;
  recorded.push({
    ...{ method: init.method ?? "GET", url: String(input), headers: new Headers(init.headers) },
    bytes: body?.length ?? 0,
  });
  return answers.shift()?.() ?? new Response("");
}

beforeEach(() => {
  recorded.length = 0;
  answers = [];
  vi.stubGlobal("fetch", record);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const store = new S3Objects({
  ...{ endpoint: "https://s3.example/", bucket: "readings", region: "eu-north-1" },
  ...{ accessKey: "AKIA", secretKey: "a-secret", direct: true },
});
const refused = (status: number, code: string) => () =>
  new Response(`<Error><Code>${code}</Code><Message>no</Message></Error>`, {
    status,
    headers: { "content-type": "application/xml" },
  });

async function* one(content: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield content;
}

describe("the requests that S3 gets", () => {
  it("are one PUT of a small object, signed, to the bucket's path, without the secret", async () => {
    await store.put("ns/17/a b", one(Buffer.from("abc")));
    const [request] = recorded as [Recorded];
    expect(recorded).toHaveLength(1);
    expect(request).toMatchObject({
      ...{ method: "PUT", url: "https://s3.example/readings/ns/17/a%2520b", bytes: 3 },
    });
    expect(request.headers.get("authorization")).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIA\/\d{8}\/eu-north-1\/s3\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=[0-9a-f]{64}$/,
    );
    expect(JSON.stringify([...request.headers])).not.toContain("a-secret");
  });

  it("name a stretch by its first and last byte", async () => {
    answers = [() => new Response("cd", { status: 206 })];
    expect((await bytesOf(store.get("ns/a", { from: 2, to: 4 }))).toString()).toBe("cd");
    expect(recorded[0]?.headers.get("range")).toBe("bytes=2-3");
    await bytesOf(store.get("ns/a", { from: 2, to: Number.POSITIVE_INFINITY }));
    expect(recorded[1]?.headers.get("range")).toBe("bytes=2-");
    await bytesOf(store.get("ns/a"));
    expect(recorded[2]?.headers.has("range")).toBe(false);
  });

  it("are sent again while the service is busy, and given up at the third", async () => {
    const busy = refused(503, "SlowDown");
    answers = [busy, busy];
    await store.put("ns/a", one(Buffer.from("abc")));
    expect(recorded.map(({ bytes }) => bytes)).toEqual([3, 3, 3]);
    answers = [busy, busy, busy];
    await expect(store.delete("ns/a")).rejects.toThrow(ObjectsUnavailable);
  });

  it("tell an object that is not there from a bucket that is not", async () => {
    answers = [
      refused(404, "NoSuchKey"),
      refused(404, "NoSuchBucket"),
      refused(403, "SignatureDoesNotMatch"),
    ];
    await expect(bytesOf(store.get("ns/a"))).rejects.toThrow(NoSuchObject);
    await expect(bytesOf(store.get("ns/a"))).rejects.toThrow(ObjectsUnavailable);
    await expect(bytesOf(store.get("ns/a"))).rejects.toThrow(ObjectsUnavailable);
    expect(recorded).toHaveLength(3);
  });

  it("take back what was begun in parts and could not be put together", async () => {
    const xml = (text: string) => () =>
      new Response(text, { headers: { "content-type": "application/xml", etag: '"e"' } });
    answers = [
      xml("<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"),
      xml(""),
      xml(""),
      xml("<Error><Code>InternalError</Code></Error>"),
    ];
    await expect(store.put("ns/a", one(new Uint8Array(6 * 1024 * 1024)))).rejects.toThrow(ObjectsUnavailable);
    expect(recorded.map(({ method, url, bytes }) => [method, new URL(url).search, bytes])).toEqual([
      ["POST", "?uploads=", expect.any(Number)],
      ["PUT", "?partNumber=1&uploadId=u1", 5 * 1024 * 1024],
      ["PUT", "?partNumber=2&uploadId=u1", 1024 * 1024],
      ["POST", "?uploadId=u1", expect.any(Number)],
      ["DELETE", "?uploadId=u1", expect.any(Number)],
    ]);
  });

  it("ask for the next page of names until there is none", async () => {
    const page = (key: string, next: string) => () =>
      new Response(
        `<ListBucketResult><IsTruncated>${next !== ""}</IsTruncated><Contents><Key>${key}</Key></Contents>${next && `<NextContinuationToken>${next}</NextContinuationToken>`}</ListBucketResult>`,
        { headers: { "content-type": "application/xml" } },
      );
    answers = [page("ns/a%2eb", "more"), page("ns/c", "")];
    const names: string[] = [];
    for await (const name of store.list("ns/")) names.push(name);
    expect(names).toEqual(["ns/a.b", "ns/c"]);
    expect(recorded.map(({ url }) => new URL(url).searchParams.get("continuation-token"))).toEqual([
      null,
      "more",
    ]);
  });

  it("are none for a link, which holds for one object, GET alone and a while", async () => {
    const link = new URL(await store.link("ns/a", { seconds: 60, mediaType: "text/csv", fileName: "a.csv" }));
    expect(recorded).toEqual([]);
    expect(link.origin + link.pathname).toBe("https://s3.example/readings/ns/a");
    expect(Object.fromEntries(link.searchParams)).toMatchObject({
      "response-content-disposition": 'attachment; filename="a.csv"',
      "response-content-type": "text/csv",
      "X-Amz-Expires": "60",
      "X-Amz-SignedHeaders": "host",
      "X-Amz-Signature": expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(link.href).not.toContain("a-secret");
    const told = { seconds: 60, mediaType: "text/csv", fileName: 'a"; b' };
    await expect(store.link("ns/a", told)).rejects.toThrow(TypeError);
  });
});

describe("a name as a key of S3", () => {
  it("stays what it is where it is plain, and has nothing that a path could mean otherwise", () => {
    expect(s3KeyOf("0f3a-b/17/000000000000-9c")).toBe("0f3a-b/17/000000000000-9c");
    expect(s3KeyOf("n/../ü+%?#")).toBe("n/%2e%2e/%c3%bc%2b%25%3f%23");
  });

  it("is divided where a piece is long, and begins as those of the names that it begins with", () => {
    const name = `n/${"x".repeat(450)}/${".".repeat(100)}`;
    expect(
      Math.max(
        ...s3KeyOf(name)
          .split("/")
          .map((piece) => piece.length),
      ),
    ).toBeLessThan(255);
    for (let length = 0; length < name.length; length++) {
      const begin = name.slice(0, length);
      expect(s3KeyOf(name).startsWith(s3KeyOf(begin))).toBe(true);
      expect(nameOfS3Key(s3KeyOf(begin))).toBe(begin);
    }
    expect(s3KeyOf(`${"x".repeat(200)}/x`)).not.toBe(s3KeyOf("x".repeat(201)));
  });
});
