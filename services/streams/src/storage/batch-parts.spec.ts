import { describe, expect, it } from "vitest";
import { batchParts, putBatchParts } from "./batch-parts.js";

const file = { namespace: "n", device: "a.b", batch: 7, slice: "left" };

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array, void> {
  for (const text of texts) yield Buffer.from(text);
}

async function put(...texts: string[]) {
  const objects = new Map<string, string>();
  const store = {
    async put(name: string, content: AsyncIterable<Uint8Array>) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk);
      objects.set(name, Buffer.concat(chunks).toString());
      return { bytes: Buffer.concat(chunks).length, sha256: new Uint8Array(32) };
    },
  };
  return { bytes: await putBatchParts(store, file, pieces(...texts), 4), objects };
}

describe("a batch's file", () => {
  it.each([
    [
      ["abc", "defgh", "i"],
      ["abcd", "efgh", "i"],
    ],
    [
      ["abcd", "efgh"],
      ["abcd", "efgh"],
    ],
    [[""], []],
  ])("of %j lies in parts of one size, which are known by its size", async (texts, parts) => {
    const { bytes, objects } = await put(...texts);
    expect([...objects.values()]).toEqual(parts);
    const known = batchParts(file, bytes, 4);
    expect(known.map(({ object }) => object)).toEqual([...objects.keys()]);
    expect(known.map((part) => part.bytes)).toEqual(parts.map(({ length }) => length));
  });
});
