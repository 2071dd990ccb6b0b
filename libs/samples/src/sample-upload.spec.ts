import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type registry, sampling } from "@fieldlog/contracts";
import { NoSuchObject, type Objects, type Range } from "@fieldlog/objects";
import { RpcError } from "@fieldlog/rpc";
import { describe, expect, it } from "vitest";
import { SampleStore } from "./sample-store.js";
import type { SamplingClient } from "./sample-upload.js";

const KEY = Buffer.alloc(32, 7);

/** Objects in memory. */
class Memory implements Objects {
  readonly kind = "nats";
  readonly stored = new Map<string, Buffer>();
  full = false;

  async put(name: string, content: AsyncIterable<Uint8Array>) {
    const bytes = await whole(content);
    if (this.full) throw new Error("full");
    this.stored.set(name, bytes);
    return { bytes: bytes.length, sha256: new Uint8Array(32) };
  }
  async *get(name: string, range: Range = { from: 0, to: Number.POSITIVE_INFINITY }) {
    const bytes = this.stored.get(name);
    if (bytes === undefined) throw new NoSuchObject(name);
    yield bytes.subarray(range.from, range.to);
  }
  async delete(name: string): Promise<void> {
    this.stored.delete(name);
  }
  async *list() {
    yield* this.stored.keys();
  }
  async deleteAll(): Promise<number> {
    return 0;
  }
  async tidy(): Promise<number> {
    return 0;
  }
}

async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* bytesOf(...texts: string[]): AsyncGenerator<Uint8Array, void> {
  for (const text of texts) yield Buffer.from(text);
}

/** A store, and what its service was told; the first of its answers are these failures. */
function staged(...failures: Error[]) {
  const objects = new Memory();
  const told: MessageInitShape<typeof sampling.StoreSampleRequestSchema>[] = [];
  const client: SamplingClient = {
    getSampleKey: async () => create(sampling.GetSampleKeyResponseSchema, { key: KEY }),
    storeSample: async (asked) => {
      told.push(asked);
      const failure = failures.shift();
      if (failure) throw failure;
      return create(sampling.StoreSampleResponseSchema, { sequence: 7n });
    },
    storeModel: async () => create(sampling.StoreModelResponseSchema, { version: 1 }),
  };
  return { objects, told, store: new SampleStore({ sampling: client, objects, partBytes: 10 }) };
}

const options = { mediaType: "text/plain", decidedBy: "key:1" };
const about = { category: "training", label: "wave" };
const away = () => new RpcError("unavailable", "nobody is there");

describe("a sample on its way", () => {
  it("is kept in parts under the device's key, and read again whole or in pieces", async () => {
    const { objects, told, store } = staged();
    const upload = await store.begin("ns", "d1");
    expect(await upload.put(bytesOf("0123456", "789abcd"))).toEqual({ bytes: 14 });
    expect(await upload.put(bytesOf("behind"))).toEqual({ bytes: 6 });
    await upload.storeSample(about, options);
    expect(told[0]).toMatchObject({ namespace: "ns", id: upload.id, unique: false, documentDevice: "" });
    expect(told[0]?.sample).toMatchObject({ ...about, key: "d1", enabled: true });
    const stored = told[0]?.sample?.stored as registry.UploadStored;
    expect(stored).toMatchObject({ bytes: 20n, objectBytes: [10n, 4n, 6n], mediaType: "text/plain" });
    for (const name of stored.objects) expect(name.startsWith(`ns/~samples/${upload.id}/`)).toBe(true);
    expect((await whole(store.content(stored, KEY))).toString()).toBe("0123456789abcdbehind");
    expect((await whole(store.content(stored, KEY, { from: 8, to: 16 }))).toString()).toBe("89abcdbe");
    for (const bytes of objects.stored.values()) expect(bytes.toString("latin1")).not.toContain("behind");
  });

  it("is told of again while nobody answers, and not lost if nobody does", async () => {
    const { objects, told, store } = staged(away(), away());
    const upload = await store.begin("ns", "");
    await upload.put(bytesOf("a"));
    await upload.storeSample(about, options);
    expect(told).toHaveLength(3);
    expect(told[2]).toEqual(told[0]);
    const lost = staged(away(), away(), away());
    const other = await lost.store.begin("ns", "");
    await other.put(bytesOf("a"));
    await expect(other.storeSample(about, options)).rejects.toMatchObject({ code: "unavailable" });
    expect([objects.stored.size, lost.objects.stored.size]).toEqual([1, 1]);
  });

  it("leaves nothing behind when it is refused, or discarded", async () => {
    const { objects, store } = staged(new RpcError("already_exists", "there is one"));
    const refused = await store.begin("ns", "");
    await refused.put(bytesOf("a".repeat(25)));
    await expect(refused.storeSample(about, options)).rejects.toMatchObject({ code: "already_exists" });
    const discarded = await store.begin("ns", "");
    await discarded.put(bytesOf("a"));
    await discarded.discard();
    expect(objects.stored.size).toBe(0);
  });

  it("raises what its source or the storage raises", async () => {
    const { objects, store } = staged();
    const upload = await store.begin("ns", "");
    const broken = (async function* () {
      yield Buffer.from("0123456789");
      throw new Error("cut off");
    })();
    await expect(upload.put(broken)).rejects.toThrow("cut off");
    objects.full = true;
    await expect(upload.put(bytesOf("a"))).rejects.toThrow("full");
    await upload.discard();
    expect(objects.stored.size).toBe(0);
  });
});
