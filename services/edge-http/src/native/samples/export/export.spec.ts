import { create } from "@bufbuild/protobuf";
import { registry, sampling } from "@fieldlog/contracts";
import { NoSuchObject } from "@fieldlog/objects";
import fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { describe, expect, it } from "vitest";
import { Contents, type ReadableSample } from "../contents.js";
import { csvOf } from "./csv.js";
import { parquetOf } from "./parquet.js";
import { type ValueRow, valueRows } from "./rows.js";
import { zipOf } from "./zip.js";

async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* each<T>(...items: T[]): AsyncGenerator<T, void> {
  yield* items;
}

/** Samples whose contents these are; undefined: its bytes are gone. */
const held = new Map<registry.UploadStored, string | undefined>();
const store = {
  async *content(stored: registry.UploadStored, _key: Uint8Array, range = { from: 0, to: 1e9 }) {
    const text = held.get(stored);
    if (text === undefined) throw new NoSuchObject("a");
    yield Buffer.from(text).subarray(range.from, range.to);
  },
};
const contents = new Contents({ store, mostBytes: 1e6 });

function sampleOf(number: number, text: string | undefined, more: object = {}): ReadableSample {
  const bytes = BigInt(Buffer.byteLength(text ?? ""));
  const stored = create(registry.UploadStoredSchema, { bytes, sha256: Buffer.alloc(32) });
  held.set(stored, text);
  const about = create(registry.SampleStoredSchema, {
    ...{ category: "training", label: "wave", fileName: "a.json", signature: "unsigned", stored, ...more },
  });
  const sample = create(sampling.SampleSchema, {
    id: "x",
    number: BigInt(number),
    stored: about,
    storedAt: 1n,
  });
  return { sample, about, stored, key: new Uint8Array(32) };
}

const document = (values: unknown) =>
  JSON.stringify({
    ...{ protected: { ver: "v1", alg: "none" }, signature: "" },
    payload: { device_type: "X", interval_ms: 0.5, sensors: [{ name: "a", units: "V" }], values },
  });

describe("values in one table", () => {
  it("leave out what has none, or cannot be read", async () => {
    const samples = [
      sampleOf(1, document([1, null, 3])),
      sampleOf(2, "no document"),
      sampleOf(3, "a picture", { signature: "" }),
      sampleOf(4, undefined),
      sampleOf(5, document([5]), { label: "idle" }),
    ];
    const text = (await whole(csvOf(valueRows(contents, each(...samples))))).toString();
    expect(text.split("\r\n")).toEqual([
      "sample,category,label,device,sensor,time_ms,axis,units,value",
      ...["1,training,wave,,,0,a,V,1", "1,training,wave,,,1,a,V,3", "5,training,idle,,,0,a,V,5", ""],
    ]);
  });

  it("are read from Parquet as they were written, over several row groups", async () => {
    const text = fc.string({ maxLength: 12, unit: "grapheme" });
    const anyRow = fc.record({
      ...{
        sample: fc.nat(),
        category: text,
        label: text,
        device: text,
        sensor: text,
        axis: text,
        units: text,
      },
      ...{ timeMs: fc.double({ noNaN: true }), value: fc.double({ noNaN: true, noDefaultInfinity: true }) },
    });
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 20 }), async (rows) => {
        expect(await roundTrip(each(rows))).toEqual(rows);
      }),
      { numRuns: 30 },
    );
    const row = {
      sample: 1,
      category: "training",
      label: "wave",
      device: "",
      sensor: "",
      axis: "a",
      units: "",
    };
    const many = Array.from({ length: 70_000 }, (_, i) => ({ ...row, timeMs: i, value: -i / 7 }));
    const back = await roundTrip(each(many.slice(0, 66_000), many.slice(66_000)));
    expect(back).toHaveLength(70_000);
    expect([back[65_999], back.at(-1)]).toEqual([many[65_999], many.at(-1)]);
    expect(await roundTrip(each())).toEqual([]);
  });
});

async function roundTrip(batches: AsyncIterable<readonly ValueRow[]>) {
  const bytes = await whole(parquetOf(batches));
  const file = new Uint8Array(bytes).buffer;
  const rows = (await parquetReadObjects({ file })) as Record<string, unknown>[];
  return rows.map(({ time_ms: timeMs, sample, ...row }) => ({ ...row, timeMs, sample: Number(sample) }));
}

describe("files in a ZIP", () => {
  /** Names of files, from the central directory (APPNOTE 4.3.12). */
  function namesIn(zip: Buffer): string[] {
    const names: string[] = [];
    for (let at = zip.indexOf("PK\u0001\u0002"); at >= 0; at = zip.indexOf("PK\u0001\u0002", at + 46)) {
      const length = zip.readUInt16LE(at + 28);
      names.push(zip.subarray(at + 46, at + 46 + length).toString());
    }
    return names;
  }

  it("stand in folders by category and label, attachments as files of their own, what is gone left out", async () => {
    const attachments = [
      { name: "a.json", bytes: 3n },
      { name: "image.jpg", bytes: 4n },
    ];
    const samples = [
      sampleOf(1, "one"),
      sampleOf(2, "twoJPEG", { label: "", attachments }),
      sampleOf(3, undefined),
    ];
    const zip = await whole(zipOf(contents, each(...samples)));
    expect(namesIn(zip)).toEqual([
      ...[
        "training/wave/1-a.json",
        "training/_/2-a.json",
        "training/_/2-a.json.1-image.jpg",
        "samples.jsonl",
      ],
    ]);
    const text = zip.toString();
    expect(text).toContain('{"files":["training/_/2-a.json","training/_/2-a.json.1-image.jpg"],');
    expect(text).not.toContain('"number":3');
    expect(namesIn(await whole(zipOf(contents, each())))).toEqual(["samples.jsonl"]);
  });

  it("lead nowhere else, whatever a label or a file is called", async () => {
    const wild = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("..", "../../a", "/etc", "C:\\a", ".", "a/../b"),
    );
    await fc.assert(
      fc.asyncProperty(wild, wild, async (label, fileName) => {
        const zip = await whole(zipOf(contents, each(sampleOf(1, "x", { label, fileName }))));
        const [name = ""] = namesIn(zip);
        const pieces = name.split("/");
        expect(pieces).toHaveLength(3);
        expect(pieces[0]).toBe("training");
        for (const piece of pieces) {
          expect(piece).toMatch(/^[^\\:*?"<>|\p{Cc}]+$/u);
          expect([".", ".."]).not.toContain(piece);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("are listed a thousand at a time", async () => {
    const samples = Array.from({ length: 1_001 }, (_, i) => sampleOf(i + 1, "x"));
    const names = namesIn(await whole(zipOf(contents, each(...samples))));
    expect(names.filter((name) => name.endsWith(".jsonl"))).toEqual(["samples.jsonl", "samples.2.jsonl"]);
    expect(names).toHaveLength(1_003);
  });
});

describe("what is held of documents", () => {
  it("is bounded, and given back when nobody reads on", async () => {
    const one = sampleOf(1, document([1, 2, 3]));
    const small = new Contents({ store, mostBytes: 10 });
    const rows = (found: ReadableSample) => small.withValues(found, ({ rows: all }) => all());
    const first = rows(one);
    await first.next();
    await expect(rows(one).next()).rejects.toMatchObject({ status: 503 });
    await first.return();
    expect((await rows(one).next()).done).toBe(false);
    await expect(rows(sampleOf(2, "x", { signature: "" })).next()).rejects.toMatchObject({ status: 406 });
  });
});
