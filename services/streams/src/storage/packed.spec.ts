import { brotliCompressSync, constants } from "node:zlib";
import { limits } from "@fieldlog/contracts";
import {
  CannotDecrypt,
  NoSuchObject,
  ObjectsUnavailable,
  putWhole,
  streamUploadFolder,
} from "@fieldlog/objects";
import { describe, expect, it } from "vitest";
import { Unreadable, unpacked } from "./packed.js";

function storage() {
  const objects = new Map<string, Buffer>();
  const away = { is: false };
  return {
    away,
    async put(name: string, content: AsyncIterable<Uint8Array>) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk);
      objects.set(name, Buffer.concat(chunks));
      return { bytes: Buffer.concat(chunks).length, sha256: new Uint8Array(32) };
    },
    async *get(name: string, range?: { from: number; to: number }) {
      const found = objects.get(name);
      if (found === undefined) throw new NoSuchObject(name);
      if (away.is && range !== undefined) throw new ObjectsUnavailable("away");
      yield found.subarray(range?.from, range?.to);
    },
    async delete(name: string) {
      objects.delete(name);
    },
  };
}

// biome-ignore lint/correctness/useYield: it fails before it gives anything
async function* raising(error: Error): AsyncGenerator<Uint8Array, void> {
  throw error;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}

const part = { namespace: "n", device: "d", payload: null, encoding: "", external: "" };
const inline = (payload: Buffer, encoding = "") => ({ ...part, payload, encoding });

async function read(
  parts: Parameters<typeof unpacked>[0],
  store: Parameters<typeof unpacked>[1] = storage(),
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of unpacked(parts, store)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe("a message's parts", () => {
  it("are unpacked one after the other", async () => {
    const parts = [inline(Buffer.from("one ")), inline(brotliCompressSync("two"), "br"), part];
    expect((await read(parts)).toString()).toBe("one two");
  });

  it("may lie in the objects, packed too", async () => {
    const store = storage();
    const content = Buffer.from("large ".repeat(1_000));
    await putWhole(store, streamUploadFolder("n", "d", "u1"), once(brotliCompressSync(content)), 8);
    await putWhole(store, streamUploadFolder("n", "d", "u2"), once(content), 999);
    const packed = { ...part, external: "u1", encoding: "br" };
    expect(await read([packed, { ...part, external: "u2" }], store)).toEqual(
      Buffer.concat([content, content]),
    );
    store.away.is = true;
    await expect(read([packed], store)).rejects.toThrow(ObjectsUnavailable);
  });

  it("cannot be read when they are not what they say, are too large, or never came", async () => {
    const cut = brotliCompressSync("x".repeat(100)).subarray(0, 5);
    for (const wrong of [Buffer.from("no brotli"), cut]) {
      await expect(read([inline(wrong, "br")])).rejects.toThrow(Unreadable);
    }
    const half = inline(Buffer.alloc(limits.streamMessageBytes / 2));
    await expect(read([half, half, inline(Buffer.alloc(1))])).rejects.toThrow(/too large$/);
    const params = { [constants.BROTLI_PARAM_QUALITY]: 1 };
    const zeros = (bytes: number) => inline(brotliCompressSync(Buffer.alloc(bytes), { params }), "br");
    expect(await read([zeros(1_000_000)])).toHaveLength(1_000_000);
    await expect(read([zeros(limits.streamMessageBytes)])).rejects.toThrow("too large for what came");
    await expect(read([{ ...part, external: "none" }])).rejects.toThrow("not uploaded");
    const other = { get: () => raising(new CannotDecrypt("a")) };
    await expect(read([{ ...part, external: "old" }], other)).rejects.toThrow(Unreadable);
  }, 30_000);
});
