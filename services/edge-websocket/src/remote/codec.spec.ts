import { decode, encode } from "cborg";
import { anything, assert, jsonValue, object, property, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { isBoundedCbor, isBoundedJson } from "./bounds.js";
import { decodeFrame, encodeFrame, Malformed } from "./codec.js";

const cbor = (value: unknown) => Buffer.from(encode(value));
const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("a frame to a device", () => {
  it("has the keys of its message in their order (rule 3: firmware looks at the first one only)", () => {
    const answer = { hello: false, err: "no" };
    expect(encodeFrame("json", answer)).toBe('{"hello":false,"err":"no"}');
    expect(Buffer.from(encodeFrame("cbor", answer)).toString("hex")).toBe("a26568656c6c6ff463657272626e6f");
    const keys = Object.keys(decode(encodeFrame("cbor", { zz: 1, a: { y: 1, b: 2 } }) as Uint8Array));
    expect(keys).toEqual(["zz", "a"]);
  });

  it("has numbers as integers or in double precision (rule 4)", () => {
    expect(Buffer.from(encodeFrame("cbor", { i: 10, f: 0.5 })).toString("hex")).toBe(
      "a261690a6166fb3fe0000000000000",
    );
  });
});

describe("a frame from a device", () => {
  it("is a map, in JSON or CBOR, of definite length or not", () => {
    expect(decodeFrame("json", Buffer.from('{"sample":true}'))).toEqual({ sample: true });
    expect(decodeFrame("cbor", hex("a1 66 73616d706c65 f5"))).toEqual({ sample: true });
    expect(decodeFrame("cbor", hex("bf 66 73616d706c65 f5 ff"))).toEqual({ sample: true });
  });

  it("can be told as JSON, with integers beyond what that has as the nearest number", () => {
    const large = 2n ** 63n;
    const said = { inferenceSummary: { a: [large, { b: -large }] }, c: large };
    const message = decodeFrame("cbor", cbor(said));
    expect(JSON.parse(JSON.stringify(message))).toEqual({
      ...{ inferenceSummary: { a: [2 ** 63, { b: -(2 ** 63) }] }, c: 2 ** 63 },
    });
  });

  it.each([
    ["json", Buffer.from("")],
    ["json", Buffer.from("x")],
    ["json", Buffer.from("[]")],
    ["json", Buffer.from("null")],
    ["json", Buffer.from('"{}"')],
    ["json", Buffer.from("[".repeat(100_000))],
    ["json", Buffer.from(`{"a":[${"0,".repeat(30_000)}0]}`)],
    ["cbor", hex("")],
    ["cbor", hex("80")],
    ["cbor", hex("f6")],
    ["cbor", hex("a1 00 00")],
    ["cbor", hex("ff")],
    ["cbor", hex("9b ffffffffffffffff")],
    ["cbor", hex("bb 000fffffffffffff")],
    ["cbor", hex("5b 7fffffffffffffff")],
    ["cbor", hex("a1 61 61 7a ffffffff 61")],
    ["cbor", Buffer.alloc(100_000, 0x81)],
    ["cbor", Buffer.alloc(100_000, 0x9f)],
    ["cbor", Buffer.alloc(100_000, 0xc1)],
    ["cbor", Buffer.concat([hex("a1 61 61 9f"), Buffer.alloc(100_000, 0), hex("ff")])],
    ["cbor", hex("a1 61 61 1c")],
  ] as const)("is no message: %s, %j", (encoding, frame) => {
    expect(() => decodeFrame(encoding, frame)).toThrow(Malformed);
  });

  it("of any bytes raises nothing else", () => {
    const tried = (frame: Buffer) => {
      for (const encoding of ["json", "cbor"] as const) {
        try {
          decodeFrame(encoding, frame);
        } catch (error) {
          expect(error).toBeInstanceOf(Malformed);
        }
      }
    };
    assert(property(uint8Array({ maxLength: 200 }), (bytes) => tried(Buffer.from(bytes))));
  });
});

describe("what is bounded", () => {
  it("is every small JSON, whatever its texts hold", () => {
    assert(
      property(jsonValue({ maxDepth: 4 }), (json) => {
        expect(isBoundedJson(Buffer.from(JSON.stringify(json)))).toBe(true);
      }),
    );
    expect(isBoundedJson(Buffer.from(JSON.stringify({ a: "[".repeat(100_000), b: '\\"[[[[\\' })))).toBe(true);
  });

  it("is every small CBOR, and nothing that is cut off", () => {
    const values = object({ maxDepth: 3, values: [anything({ maxDepth: 0 })] });
    assert(
      property(values, (value) => {
        let bytes: Buffer;
        try {
          bytes = cbor(value);
        } catch {
          return;
        }
        expect(isBoundedCbor(bytes)).toBe(true);
        expect(isBoundedCbor(bytes.subarray(0, -1))).toBe(false);
      }),
    );
  });

  it("is a large picture, and takes no time", () => {
    const picture = { snapshotFrame: "x".repeat(4 * 1024 * 1024) };
    expect(isBoundedJson(Buffer.from(JSON.stringify(picture)))).toBe(true);
    expect(isBoundedCbor(cbor(picture))).toBe(true);
  });
});
