import { inspect } from "node:util";
import { assert, property, string as text, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { CannotOpen, SealingKey } from "./sealing-key.js";

const hex = (value: string) => Buffer.from(value, "hex");
const key = new SealingKey(new Uint8Array(32).fill(7));

describe("known answers", () => {
  // The GCM specification of McGrew and Viega, appendix B, test cases 13 and 14: no additional data.
  const zero = new SealingKey(new Uint8Array(32));
  const nonce = new Uint8Array(12);

  test("sealing nothing gives the tag alone (test case 13)", () => {
    expect(zero.seal(new Uint8Array(), "", nonce).ciphertext).toEqual(
      hex("530f8afbc74536b9a963b4f1c4cb738b"),
    );
  });

  test("sealing one block of zeros gives the specification's block and tag (test case 14)", () => {
    expect(zero.seal(new Uint8Array(16), "", nonce).ciphertext).toEqual(
      hex("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
    );
  });

  test("the context is the additional data, as another implementation of GCM computes it", () => {
    const { ciphertext } = key.seal(Buffer.from("secret"), "default/credential/17", nonce);
    expect(ciphertext).toEqual(hex("12bdc7c09ee606b4c7602daf59959d15ce959b24d8cc"));
  });

  test("a key keeps its id from release to release", () => {
    expect(key.id).toBe("df41cb639df2794a");
  });
});

describe("a box", () => {
  test("opens to what was sealed, whatever it was and whatever its context", () => {
    assert(
      property(uint8Array(), text({ unit: "grapheme" }), (plain, context) => {
        expect(Buffer.from(key.open(key.seal(plain, context), context))).toEqual(Buffer.from(plain));
      }),
    );
  });

  test("is another one each time, though the same is sealed", () => {
    const [one, two] = [key.seal(hex("00"), "a"), key.seal(hex("00"), "a")];
    expect(one.nonce).not.toEqual(two.nonce);
    expect(one.ciphertext).not.toEqual(two.ciphertext);
  });

  test("does not open in another place than it was sealed for", () => {
    const box = key.seal(hex("0102"), "default/credential/1");
    expect(() => key.open(box, "default/credential/2")).toThrow(CannotOpen);
  });

  test("does not open when any one of its bits is turned", () => {
    const box = key.seal(hex("010203"), "a");
    for (const part of ["nonce", "ciphertext"] as const) {
      for (let bit = 0; bit < box[part].length * 8; bit++) {
        const bytes = Uint8Array.from(box[part]);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => key.open({ ...box, [part]: bytes }, "a")).toThrow("not what was sealed for a");
      }
    }
  });

  test("does not open when it is cut short", () => {
    const box = key.seal(hex("010203"), "a");
    for (let length = 0; length < box.ciphertext.length; length++) {
      expect(() => key.open({ ...box, ciphertext: box.ciphertext.subarray(0, length) }, "a")).toThrow(
        CannotOpen,
      );
    }
    expect(() => key.open({ ...box, nonce: box.nonce.subarray(1) }, "a")).toThrow(CannotOpen);
  });

  test("names the key that opens it, and says so to another key", () => {
    const other = SealingKey.random();
    const error = catching(() => other.open(key.seal(hex("01"), "a"), "a"));
    expect(error).toMatchObject({ reason: "other-key", keys: { tried: other.id, named: key.id } });
  });

  test("can hold a key", () => {
    const data = SealingKey.random();
    const opened = key.openKey(key.sealKey(data, "default/data-key"), "default/data-key");
    expect(opened.id).toBe(data.id);
    expect(opened.open(data.seal(hex("05"), "a"), "a")).toEqual(hex("05"));
  });
});

describe("a key", () => {
  test("has 32 bytes", () => {
    expect(() => new SealingKey(new Uint8Array(16))).toThrow(RangeError);
  });

  test("does not show its bytes", () => {
    const shown = [inspect(key, { depth: 9, showHidden: true }), JSON.stringify(key), String(key)].join();
    expect(shown).not.toMatch(/07.?07|7, ?7/);
    expect(shown).toContain(key.id);
  });

  test("is not changed by who gave its bytes", () => {
    const bytes = new Uint8Array(32).fill(7);
    const copy = new SealingKey(bytes);
    bytes.fill(0);
    expect(copy.open(key.seal(hex("01"), "a"), "a")).toEqual(hex("01"));
  });
});

function catching(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}
