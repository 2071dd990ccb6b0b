import { describe, expect, it } from "vitest";
import { NoSuchObject, type ObjectStore, type Range } from "./object-store.js";
import { contentOf } from "./parts.js";
import { AlreadyWhole, findWhole, isSame, putWhole, streamUploadFolder, wholeOf } from "./whole.js";

function inMemory() {
  const objects = new Map<string, Buffer>();
  const store: Pick<ObjectStore, "put" | "get" | "delete"> = {
    async put(name, content) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk);
      objects.set(name, Buffer.concat(chunks));
      return { bytes: Buffer.concat(chunks).length, sha256: new Uint8Array(32) };
    },
    async *get(name: string, range?: Range) {
      const found = objects.get(name);
      if (found === undefined) throw new NoSuchObject(name);
      yield found.subarray(range?.from, range?.to);
    },
    async delete(name) {
      objects.delete(name);
    },
  };
  return { objects, store };
}

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array, void> {
  for (const text of texts) {
    if (text === "!") throw new Error("broke off");
    yield Buffer.from(text);
  }
}

const folder = streamUploadFolder("n1", "dev.1", "0d0e");

async function read(store: ReturnType<typeof inMemory>["store"]): Promise<string> {
  const { parts, bytes } = await wholeOf(store, folder);
  const chunks: Uint8Array[] = [];
  for await (const chunk of contentOf(store, parts, { from: 0, to: bytes })) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe("what is larger than one object", () => {
  it("is whole once all of it was put", async () => {
    const { objects, store } = inMemory();
    const { bytes } = await putWhole(store, folder, pieces("01234", "567", "89"), 4);
    expect(bytes).toBe(10);
    expect(await read(store)).toBe("0123456789");
    // Three parts, and what says that they are all.
    expect(objects.size).toBe(4);
  });

  it("is not there when it broke off", async () => {
    const { objects, store } = inMemory();
    await expect(putWhole(store, folder, pieces("01234", "!"), 4)).rejects.toThrow("broke off");
    expect(objects.size).toBe(0);
    await expect(wholeOf(store, folder)).rejects.toThrow(NoSuchObject);
    expect(await findWhole(store, folder)).toBeUndefined();
  });

  it("stays when something else is put there, of which nothing is left", async () => {
    const { objects, store } = inMemory();
    async function* slow() {
      yield* pieces("second");
      await putWhole(store, folder, pieces("first"), 4);
      yield* pieces("more");
    }
    await expect(putWhole(store, folder, slow(), 4)).rejects.toThrow(AlreadyWhole);
    expect(await read(store)).toBe("first");
    expect(objects.size).toBe(3);
  });

  it("is told from what is another, or longer", async () => {
    const { store } = inMemory();
    const whole = await putWhole(store, folder, pieces("01234", "567"), 4);
    expect(await isSame(store, whole, pieces("0", "1234567"))).toBe(true);
    for (const other of ["0123456", "01234568", "012345678"]) {
      expect(await isSame(store, whole, pieces(other))).toBe(false);
    }
  });

  it("lies under the namespace, whatever device and upload are called", () => {
    expect(streamUploadFolder("n1", "../x", "a/b").split("/")).toHaveLength(5);
    expect(folder.startsWith("n1/~stream-uploads/")).toBe(true);
  });
});
