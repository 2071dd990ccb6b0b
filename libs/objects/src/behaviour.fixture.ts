import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Measured } from "./measured.js";
import { NoSuchObject, type ObjectStore, type Range } from "./object-store.js";

/** In memory. */
export class MemoryObjects implements ObjectStore {
  readonly objects = new Map<string, Buffer>();

  async put(name: string, content: AsyncIterable<Uint8Array>) {
    const measured = new Measured(content);
    this.objects.set(name, await bytesOf(measured));
    return measured.result();
  }

  async *get(name: string, range?: Range) {
    const object = this.objects.get(name);
    if (object === undefined) throw new NoSuchObject(name);
    yield object.subarray(range?.from ?? 0, range?.to);
  }

  async delete(name: string) {
    this.objects.delete(name);
  }

  async *list(prefix: string, before = Number.POSITIVE_INFINITY) {
    if (before < Date.now()) return;
    yield* [...this.objects.keys()].filter((name) => name.startsWith(prefix));
  }

  async deleteAll(prefix: string) {
    const own = [...this.objects.keys()].filter((name) => name.startsWith(prefix));
    for (const name of own) this.objects.delete(name);
    return own.length;
  }
}

/** What every object store does; `fresh` gives namespaces that nobody has used. */
export function behavesAsAnObjectStore(store: () => ObjectStore, fresh: () => string): void {
  const put = (name: string, ...chunks: Uint8Array[]) => store().put(name, each(chunks));
  const text = async (name: string, range?: { from: number; to: number }) =>
    (await bytesOf(store().get(name, range))).toString();

  it("keeps what it was given, and tells its size and SHA-256", async () => {
    const name = `${fresh()}/17/a`;
    const chunks = [randomBytes(300_000), Buffer.alloc(0), randomBytes(7), randomBytes(700_000)];
    const whole = Buffer.concat(chunks);
    const result = await put(name, ...chunks);
    expect(result.bytes).toBe(whole.length);
    expect(Buffer.from(result.sha256)).toEqual(createHash("sha256").update(whole).digest());
    expect((await bytesOf(store().get(name))).equals(whole)).toBe(true);
  });

  it("gives a stretch of it, wherever that begins and ends", async () => {
    const name = `${fresh()}/17/a`;
    const whole = randomBytes(400_000);
    await put(name, whole.subarray(0, 130_000), whole.subarray(130_000));
    for (const [from, to] of [
      [0, 1],
      [0, 400_000],
      [131_071, 131_073],
      [262_100, 300_000],
      [399_999, 400_000],
      [5, 5],
    ] as const) {
      const found = await bytesOf(store().get(name, { from, to }));
      expect(found.equals(whole.subarray(from, to)), `${from} to ${to}`).toBe(true);
    }
  });

  it("keeps an empty object, and replaces one that is there", async () => {
    const name = `${fresh()}/17/a`;
    expect((await put(name)).bytes).toBe(0);
    expect(await text(name)).toBe("");
    await put(name, Buffer.from("new"));
    expect(await text(name)).toBe("new");
  });

  it("takes any name, a long one as well", async () => {
    const namespace = fresh();
    for (const name of [`${namespace}/a b/ü.*>/${"x".repeat(400)}`, `${namespace}/../b`]) {
      await put(name, Buffer.from(name));
      expect(await text(name)).toBe(name);
    }
  });

  describe("of what is not there", () => {
    it("gives nothing, in a namespace that has objects and in one that has none", async () => {
      const namespace = fresh();
      await put(`${namespace}/a`, Buffer.from("a"));
      await expect(text(`${namespace}/b`)).rejects.toThrow(NoSuchObject);
      await expect(text(`${fresh()}/b`)).rejects.toThrow(NoSuchObject);
    });

    it("removes nothing, without a complaint", async () => {
      const namespace = fresh();
      await store().delete(`${namespace}/b`);
      expect(await store().deleteAll(`${namespace}/`)).toBe(0);
      expect(await store().deleteAll(`${namespace}/17/`)).toBe(0);
    });
  });

  it("leaves nothing of what broke off, and says why it did", async () => {
    const name = `${fresh()}/17/a`;
    async function* broken() {
      yield randomBytes(200_000);
      throw new RangeError("cut off");
    }
    await expect(store().put(name, broken())).rejects.toThrow(new RangeError("cut off"));
    await expect(text(name)).rejects.toThrow(NoSuchObject);
  });

  it("removes one object, those of a device, or all of a namespace, and no other", async () => {
    const [namespace, other] = [fresh(), fresh()];
    const names = [`${namespace}/17/a`, `${namespace}/17/b`, `${namespace}/171/a`, `${other}/17/a`];
    for (const name of names) await put(name, Buffer.from(name));
    await store().delete(names[0] as string);
    await expect(text(names[0] as string)).rejects.toThrow(NoSuchObject);
    expect(await store().deleteAll(`${namespace}/17/`)).toBe(1);
    await expect(text(names[1] as string)).rejects.toThrow(NoSuchObject);
    expect(await text(names[2] as string)).toBe(names[2]);
    await store().deleteAll(`${namespace}/`);
    await expect(text(names[2] as string)).rejects.toThrow(NoSuchObject);
    expect(await text(names[3] as string)).toBe(names[3]);
    await put(names[2] as string, Buffer.from("again"));
    expect(await text(names[2] as string)).toBe("again");
  });

  it("lists what begins so, and nothing else", async () => {
    const namespace = fresh();
    const names = [`${namespace}/17/a b`, `${namespace}/17/${"x".repeat(300)}`, `${namespace}/171/a`];
    for (const name of names) await put(name, Buffer.from(name));
    await put(`${namespace}/17/gone`, Buffer.from("a"));
    await store().delete(`${namespace}/17/gone`);
    const listed = async (prefix: string, before?: number) => {
      const found: string[] = [];
      for await (const name of store().list(prefix, before)) found.push(name);
      return found.sort();
    };
    expect(await listed(`${namespace}/`)).toEqual(names.toSorted());
    expect(await listed(`${namespace}/17/`)).toEqual(names.slice(0, 2).toSorted());
    expect(await listed(`${fresh()}/`)).toEqual([]);
    expect(await listed(`${namespace}/`, Date.now() - 3_600_000)).toEqual([]);
    expect(await listed(`${namespace}/`, Date.now() + 3_600_000)).toHaveLength(3);
  });

  it("keeps many at once", async () => {
    const namespace = fresh();
    const names = Array.from({ length: 20 }, (_, index) => `${namespace}/17/${index}`);
    await Promise.all(names.map((name) => put(name, Buffer.from(name))));
    expect(await Promise.all(names.map((name) => text(name)))).toEqual(names);
  });
}

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* chunks;
}

export async function bytesOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
