import { randomBytes } from "node:crypto";
import { NoSuchObject, type ObjectStore, streamUploadFolder } from "@fieldlog/objects";
import { expect, it } from "vitest";
import { FileUploads, type FileUploadsParts } from "./file-uploads.js";

function serving() {
  const objects = new Map<string, Buffer>();
  const store: Pick<ObjectStore, "put" | "get" | "delete"> = {
    async put(name, content) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk);
      objects.set(name, Buffer.concat(chunks));
      return { bytes: 0, sha256: new Uint8Array(32) };
    },
    async *get(name, range) {
      const found = objects.get(name);
      if (found === undefined) throw new NoSuchObject(name);
      yield found.subarray(range?.from, range?.to);
    },
    async delete(name) {
      objects.delete(name);
    },
  };
  const upload = { namespace: "n", device: "d", upload: "u", expiresAt: 1n, key: randomBytes(32) };
  const edge = () =>
    new FileUploads({
      streams: { openUpload: async () => upload },
      known: { namespaces: { get: async () => undefined } },
      objects: store,
    } as unknown as FileUploadsParts);
  return { objects, edge };
}

const put = async (edge: FileUploads, content: AsyncIterable<Uint8Array>) =>
  (await edge.open("token", "u")).put(content);

async function* bytes(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

it("a payload that is sent again is stored once, and never becomes another", async () => {
  const { objects, edge } = serving();
  const own = edge();
  await put(own, bytes("payload"));
  const stored = new Map(objects);
  expect(stored.size).toBe(2);
  await put(own, bytes("pay", "load"));
  for (const other of ["", "payloaD", "payload and more"]) {
    await expect(put(own, bytes(other))).rejects.toMatchObject({ status: 409 });
  }
  expect(objects).toEqual(stored);
});

it("a payload that comes more than once at the same time is stored once, whatever the edges", async () => {
  const { objects, edge } = serving();
  const [one, other] = [edge(), edge()];
  async function* meanwhile() {
    yield* bytes("first ");
    await expect(put(one, bytes("x"))).rejects.toMatchObject({ status: 503 });
    await put(other, bytes("another"));
    yield* bytes("half");
  }
  await expect(put(one, meanwhile())).rejects.toMatchObject({ status: 503 });
  expect(
    [...objects.keys()].filter((name) => name.startsWith(streamUploadFolder("n", "d", "u"))),
  ).toHaveLength(2);
  await put(one, bytes("another"));
});
