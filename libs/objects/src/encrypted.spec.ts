import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { behavesAsAnObjectStore, bytesOf, MemoryObjects } from "./behaviour.fixture.js";
import { CannotDecrypt, CHUNK_BYTES, encrypted, OVERHEAD_BYTES, PLAIN, sealInto } from "./encrypted.js";

const key = randomBytes(32);
const memory = new MemoryObjects();
const store = encrypted(memory, key);

async function* one(content: Uint8Array) {
  yield content;
}

describe("encrypted objects", () => {
  let namespaces = 0;
  behavesAsAnObjectStore(
    () => store,
    () => `n${namespaces++}`,
  );

  it("are not readable where they are kept, nor alike for the same content", async () => {
    const content = Buffer.from("a secret that is told twice, a secret that is told twice");
    await store.put("n/a", one(content));
    await store.put("n/b", one(content));
    const [a, b] = [memory.objects.get("n/a") as Buffer, memory.objects.get("n/b") as Buffer];
    expect(a.includes("secret")).toBe(false);
    expect(a.subarray(12)).not.toEqual(b.subarray(12));
  });

  it("open with their own key alone, under their own name, and unaltered", async () => {
    const content = randomBytes(3 * CHUNK_BYTES + 5);
    await store.put("n/c", one(content));
    const kept = memory.objects.get("n/c") as Buffer;
    await expect(bytesOf(encrypted(memory, randomBytes(32)).get("n/c"))).rejects.toThrow(CannotDecrypt);
    memory.objects.set("n/d", kept);
    await expect(bytesOf(store.get("n/d"))).rejects.toThrow(CannotDecrypt);
    const stored = CHUNK_BYTES + OVERHEAD_BYTES;
    const altered = [
      Buffer.concat([kept.subarray(stored, 2 * stored), kept.subarray(0, stored), kept.subarray(2 * stored)]),
      kept.subarray(0, kept.length - 1),
      kept.subarray(0, 2 * stored),
      kept.subarray(0, 10),
      Buffer.alloc(0),
      Buffer.from(kept).fill((kept[100] as number) ^ 1, 100, 101),
    ];
    for (const bytes of altered) {
      memory.objects.set("n/c", bytes);
      await expect(bytesOf(store.get("n/c"))).rejects.toThrow(CannotDecrypt);
    }
  });

  it("give a stretch without its end, at every edge of a chunk", async () => {
    for (const size of [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES]) {
      const content = randomBytes(size);
      await store.put("n/e", one(content));
      expect(await bytesOf(store.get("n/e"))).toEqual(content);
      const edges = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, size].filter(
        (edge) => edge <= size,
      );
      for (const from of edges) {
        for (const to of edges.filter((edge) => edge >= from)) {
          expect(await bytesOf(store.get("n/e", { from, to }))).toEqual(content.subarray(from, to));
        }
        expect(await bytesOf(store.get("n/e", { from, to: size + 100_000 }))).toEqual(content.subarray(from));
      }
    }
  });

  it("are as they were given where their name says so", async () => {
    await store.put(`n/f${PLAIN}`, one(Buffer.from("0123456789")));
    expect(memory.objects.get(`n/f${PLAIN}`)?.toString()).toBe("0123456789");
    expect((await bytesOf(store.get(`n/f${PLAIN}`, { from: 2, to: 5 }))).toString()).toBe("234");
  });

  it("lie in one object, each with its own key, and are read as if each had an object of its own", async () => {
    const sizes = [0, 1, 5_000, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 7];
    const packed: { name: string; content: Buffer; own: Buffer }[] = [];
    const stored: Buffer[] = [];
    let at = 0;
    for (const size of sizes) {
      const [content, own] = [randomBytes(size), randomBytes(32)];
      const sealed = sealInto("n/pack", at, content, own);
      packed.push({ name: sealed.name, content, own });
      stored.push(sealed.stored);
      at += sealed.stored.length;
    }
    await memory.put("n/pack", one(Buffer.concat(stored)));
    for (const { name, content, own } of packed) {
      const opened = encrypted(memory, own);
      expect(await bytesOf(opened.get(name))).toEqual(content);
      const to = Math.floor(content.length / 2);
      expect(await bytesOf(opened.get(name, { from: 0, to }))).toEqual(content.subarray(0, to));
      expect(await bytesOf(opened.get(name, { from: to, to: content.length }))).toEqual(content.subarray(to));
      await expect(bytesOf(store.get(name))).rejects.toThrow(CannotDecrypt);
    }
    const [first, second] = [packed[1] as (typeof packed)[0], packed[2] as (typeof packed)[0]];
    const moved = bytesOf(encrypted(memory, second.own).get(first.name));
    await expect(moved).rejects.toThrow(CannotDecrypt);
    await memory.put("n/pack", one(Buffer.concat(stored).subarray(0, 40)));
    await expect(bytesOf(encrypted(memory, second.own).get(second.name))).rejects.toThrow(CannotDecrypt);
  });

  it("do without a key that is none", () => {
    expect(() => encrypted(memory, new Uint8Array(16))).toThrow(RangeError);
  });
});
