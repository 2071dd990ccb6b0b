import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Problem } from "../native/problem.js";
import { CutOff } from "./body.js";
import { fileIn, isMultipart } from "./multipart.js";

const HEADERS = { "content-type": "multipart/form-data; boundary=b0" };
const FILE = "the file's own bytes\r\n--b\r\n, and more";
const GOOD = Buffer.from(
  [
    "--b0",
    'Content-Disposition: form-data; name="note"',
    "",
    "text",
    "--b0",
    'Content-Disposition: form-data; name="payload"; filename="data"',
    "Content-Type: application/octet-stream",
    "",
    FILE,
    "--b0--",
    "",
  ].join("\r\n"),
);

/** The body in pieces of `size` bytes, which ends with what is raised, if anything is. */
async function* pieces(body: Uint8Array, size: number, raised?: Error): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size);
  if (raised !== undefined) throw raised;
}

async function read(body: AsyncIterable<Uint8Array>, headers = HEADERS): Promise<string> {
  const { chunks } = await fileIn(headers, body);
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString("latin1");
}

describe("a multipart body", () => {
  it("gives its first file, in whatever pieces it comes", async () => {
    for (const size of [1, 2, 7, 64, 1_000]) expect(await read(pieces(GOOD, size))).toBe(FILE);
  });

  it("is not whole before its end was seen", async () => {
    for (const length of [0, 10, 90, GOOD.length - FILE.length, GOOD.length - 12]) {
      await expect(read(pieces(GOOD.subarray(0, length), 16))).rejects.toMatchObject({ status: 400 });
      await expect(read(pieces(GOOD.subarray(0, length), 16, new CutOff()))).rejects.toThrow(CutOff);
    }
  });

  it("ends soon when nobody wants more of it", async () => {
    let ended = false;
    async function* endless() {
      try {
        yield GOOD.subarray(0, 200);
        for (;;) yield Buffer.alloc(64 * 1024);
      } finally {
        ended = true;
      }
    }
    const { chunks } = await fileIn(HEADERS, endless());
    for await (const _ of chunks) break;
    expect(ended).toBe(true);
  });

  it("may be any bytes: there is a file in it or a refusal, never anything else", async () => {
    const edits = fc.array(
      fc.record({ at: fc.nat(GOOD.length), remove: fc.nat(20), insert: fc.uint8Array({ maxLength: 8 }) }),
      { maxLength: 5 },
    );
    const mutated = edits.map((changes) => {
      let data = [...GOOD];
      for (const { at, remove, insert } of changes)
        data = [...data.slice(0, at), ...insert, ...data.slice(at + remove)];
      return Uint8Array.from(data);
    });
    await fc.assert(
      fc.asyncProperty(mutated, fc.integer({ min: 1, max: 300 }), fc.boolean(), async (body, size, isCut) => {
        const outcome = await read(pieces(body, size, isCut ? new CutOff() : undefined)).catch(
          (error: unknown) => error,
        );
        if (typeof outcome === "string") return;
        if (isCut) expect(outcome instanceof CutOff || outcome instanceof Problem).toBe(true);
        else expect(outcome).toMatchObject({ name: "Problem", status: 400 });
      }),
      { numRuns: 1_000 },
    );
  });

  it("is known by its content type, and needs a boundary", async () => {
    expect(isMultipart({ "content-type": "Multipart/Form-Data; boundary=x" })).toBe(true);
    expect(isMultipart({ "content-type": "multipart/mixed; boundary=x" })).toBe(false);
    expect(isMultipart({})).toBe(false);
    const headers = { "content-type": "multipart/form-data; charset=utf-8" };
    await expect(read(pieces(GOOD, 100), headers)).rejects.toMatchObject({ status: 400 });
  });
});
