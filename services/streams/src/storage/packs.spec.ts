import { randomBytes } from "node:crypto";
import { encrypted, type ObjectStore, type Range } from "@fieldlog/objects";
import { array, assert, asyncProperty, constantFrom, nat, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { positionsOf } from "./names.js";
import { inPacks, readingPacksOnce, SMALL_BYTES, type Small } from "./packs.js";

/** In memory; counts what is read. */
function storage() {
  const objects = new Map<string, Uint8Array>();
  const reads = { count: 0 };
  const store = {
    async *get(name: string, range?: Range) {
      reads.count++;
      yield (objects.get(name) as Uint8Array).subarray(range?.from, range?.to);
    },
  };
  return { objects, reads, store: store as unknown as ObjectStore };
}

async function bytesOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const KEYS = [randomBytes(32), randomBytes(32), randomBytes(32)];

function small(namespace: string, position: number, bytes: number, device = position): Small {
  return { namespace, position, content: randomBytes(bytes), key: KEYS[device % KEYS.length] as Buffer };
}

const given = array(
  record({
    namespace: constantFrom("n", "m"),
    bytes: constantFrom(0, 1, 200, SMALL_BYTES - 1, SMALL_BYTES),
    device: nat(2),
  }),
  { maxLength: 120, size: "max" },
);

describe("messages in packs", () => {
  it("are read as they were, each with its device's key, a namespace's from packs of its own", async () => {
    await assert(
      asyncProperty(given, async (all) => {
        const { objects, store } = storage();
        const messages = all.map(({ namespace, bytes, device }, index) =>
          small(namespace, index + 1, bytes, device),
        );
        const packed = [...inPacks(messages)];
        for (const { object, content } of packed) objects.set(object, content);
        expect(objects.size).toBe(packed.length);
        const found = packed.flatMap((pack) => pack.messages.map((one) => ({ ...one, pack })));
        expect(new Set(found.map(({ message }) => message))).toEqual(new Set(messages));
        for (const { message, name, pack } of found) {
          expect(name.startsWith(`${message.namespace}/`)).toBe(true);
          const { first, last } = positionsOf(pack.object) ?? { first: 0, last: 0 };
          expect(first <= message.position && message.position <= last).toBe(true);
          const content = await bytesOf(encrypted(store, message.key).get(name));
          expect(content.equals(message.content)).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("are bounded in each, and in order", () => {
    const messages = Array.from({ length: 28 }, (_, index) => small("n", index + 1, SMALL_BYTES));
    const packed = [...inPacks(messages)];
    expect(packed.map(({ messages: { length } }) => length)).toEqual([8, 8, 8, 4]);
    expect(packed.flatMap((pack) => pack.messages.map(({ message }) => message))).toEqual(messages);
    expect(packed.map(({ object }) => positionsOf(object))).toEqual([
      { first: 1, last: 8 },
      { first: 9, last: 16 },
      { first: 17, last: 24 },
      { first: 25, last: 28 },
    ]);
  });

  it("have other packs each time, and nothing else has such a name", () => {
    const messages = [small("n", 5, 1), small("n", 3, 1)];
    const [first, second] = [[...inPacks(messages)], [...inPacks(messages)]];
    expect(first[0]?.object).not.toBe(second[0]?.object);
    expect(positionsOf(first[0]?.object ?? "")).toEqual({ first: 3, last: 5 });
    for (const name of ["n/~streams/d/messages/5", "n/~stream-packs/5", "", "a/n/~stream-packs/1-2-ab"]) {
      expect(positionsOf(name)).toBeUndefined();
    }
  });

  it("cost one read of the pack when they are read in turn", async () => {
    const { objects, reads, store } = storage();
    const messages = Array.from({ length: 20 }, (_, index) => small("n", index + 1, 100, 0));
    const [pack] = [...inPacks(messages)];
    objects.set(pack?.object ?? "", pack?.content ?? new Uint8Array());
    objects.set("n/other", Buffer.from("other"));
    const reading = readingPacksOnce(store);
    const opened = encrypted(reading, KEYS[0] as Buffer);
    for (const { name, message } of pack?.messages ?? []) {
      expect((await bytesOf(opened.get(name))).equals(message.content)).toBe(true);
    }
    expect(reads.count).toBe(1);
    expect((await bytesOf(reading.get("n/other", { from: 1, to: 3 }))).toString()).toBe("th");
  });
});
