import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contentOf, Stretches } from "./parts.js";

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  yield* chunks;
}

async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const anyChunks = fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 12 });

describe("stretches", () => {
  it("hold together what came, each full but the last", async () => {
    await fc.assert(
      fc.asyncProperty(anyChunks, fc.integer({ min: 1, max: 20 }), async (chunks, bytes) => {
        const stretches = new Stretches(each(chunks), bytes);
        const parts: Buffer[] = [];
        while (await stretches.more()) parts.push(await whole(stretches.next()));
        expect(Buffer.concat(parts).equals(Buffer.concat(chunks))).toBe(true);
        for (const part of parts.slice(0, -1)) expect(part.length).toBe(bytes);
        expect(parts.at(-1)?.length).not.toBe(0);
      }),
    );
  });
});

describe("the content of objects", () => {
  it("is any stretch of what they hold one after the other", async () => {
    await fc.assert(
      fc.asyncProperty(anyChunks, fc.nat(200), fc.nat(200), async (chunks, from, length) => {
        const store = {
          get: (name: string, range = { from: 0, to: 0 }) =>
            each([(chunks[Number(name)] as Uint8Array).subarray(range.from, range.to)]),
        };
        const parts = chunks.map(({ length: bytes }, index) => ({ object: String(index), bytes }));
        const found = await whole(contentOf(store, parts, { from, to: from + length }));
        expect(found.equals(Buffer.concat(chunks).subarray(from, from + length))).toBe(true);
      }),
    );
  });
});
