import { inspect } from "node:util";
import { assert, integer, property, string as text } from "fast-check";
import { describe, expect, test } from "vitest";
import { Capabilities } from "./capabilities.js";

const key = new Uint8Array(32).fill(7);
const uploads = new Capabilities([key], "upload");
const capability = { namespace: "default", subject: "b5a1", expiresAt: 1_800_000_000_000 };

describe("a token", () => {
  test("says what it was issued for, whatever that is, and is the same each time", () => {
    const any = text({ unit: "grapheme", maxLength: 200 });
    assert(
      property(any, any, integer({ min: 0 }), (namespace, subject, expiresAt) => {
        const token = uploads.issue({ namespace, subject, expiresAt });
        expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(uploads.open(token)).toEqual({ namespace, subject, expiresAt });
        expect(uploads.issue({ namespace, subject, expiresAt })).toBe(token);
      }),
    );
  });

  test("opens nothing for another purpose, and under another installation's key", () => {
    const token = uploads.issue(capability);
    expect(new Capabilities([key], "download").open(token)).toBeUndefined();
    expect(new Capabilities([new Uint8Array(32).fill(8)], "upload").open(token)).toBeUndefined();
    expect(new Capabilities([key], "upload").open(token)).toEqual(capability);
  });

  test("opens nothing when any character of it is another one", () => {
    const token = uploads.issue(capability);
    for (let at = 0; at < token.length; at++) {
      for (const other of ["A", "b", "_"]) {
        if (token[at] === other) continue;
        expect(uploads.open(token.slice(0, at) + other + token.slice(at + 1))).toBeUndefined();
      }
    }
  });

  test.each(["", "AAAA", "%2F", `${"A".repeat(100)}=`, "A".repeat(100_000), "a".repeat(44)])(
    "that is none opens nothing",
    (token) => expect(uploads.open(token)).toBeUndefined(),
  );

  test("opens nothing with something behind it", () => {
    const token = uploads.issue(capability);
    for (const more of ["A", "AAAA", ".", " "]) expect(uploads.open(token + more)).toBeUndefined();
    for (let length = 0; length < token.length; length++) {
      expect(uploads.open(token.slice(0, length))).toBeUndefined();
    }
  });
});

test("the key does not show", () => {
  expect(inspect(uploads, { showHidden: true, depth: 5 })).not.toMatch(/Buffer|[0-9a-f]{2} [0-9a-f]{2}/);
});
