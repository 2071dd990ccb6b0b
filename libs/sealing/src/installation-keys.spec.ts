import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { InstallationKeys } from "./installation-keys.js";
import { CannotOpen, SealingKey } from "./sealing-key.js";

const [old, next] = [7, 8].map((byte) => Buffer.alloc(32, byte).toString("base64")) as [string, string];
const rounds = { before: old, known: `${old},${next}`, exchanged: `${next},${old}`, after: next };
const keys = Object.fromEntries(
  Object.entries(rounds).map(([round, setting]) => [round, new InstallationKeys(setting)]),
) as Record<keyof typeof rounds, InstallationKeys>;

/** Restarts go from one round to the next, one replica after the other: replicas of two rounds run at once. */
const atOnce = [
  ["before", "known"],
  ["known", "exchanged"],
] as const;

describe("while the installation's key is exchanged", () => {
  test.each(atOnce)("what %s seals and issues, %s opens, and the reverse", (one, other) => {
    for (const [from, to] of [
      [keys[one], keys[other]],
      [keys[other], keys[one]],
    ] as const) {
      expect(to.sealing.open(from.sealing.seal(Buffer.from("a"), "here"), "here")).toEqual(Buffer.from("a"));
      const data = SealingKey.random();
      expect(to.sealing.openKey(from.sealing.sealKey(data, "here"), "here").id).toBe(data.id);
      const capability = { namespace: "default", subject: "b5a1", expiresAt: 1_800_000_000_000 };
      const token = from.capabilities("upload").issue(capability);
      expect(to.capabilities("upload").open(token)).toEqual(capability);
      expect(to.capabilities("download").open(token)).toBeUndefined();
    }
  });

  test("what was sealed and issued by the new one is good when the old one is gone, and nothing else is", () => {
    const { before, exchanged, after } = keys;
    const capability = { namespace: "default", subject: "b5a1", expiresAt: 1_800_000_000_000 };
    const [tokenBefore, token] = [before, exchanged].map((from) =>
      from.capabilities("upload").issue(capability),
    ) as [string, string];
    expect(after.capabilities("upload").open(token)).toEqual(capability);
    expect(after.capabilities("upload").open(tokenBefore)).toBeUndefined();
    expect(after.sealing.open(exchanged.sealing.seal(Buffer.from("a"), "here"), "here")).toEqual(
      Buffer.from("a"),
    );
    const box = before.sealing.seal(Buffer.from("a"), "here");
    expect(() => after.sealing.open(box, "here")).toThrow(CannotOpen);
    expect(() => after.sealing.open(box, "here")).toThrow(
      `sealed by the key ${before.sealing.id}, not by ${after.sealing.id}`,
    );
  });

  test("a box that was moved or altered does not open by any", () => {
    const { exchanged } = keys;
    const box = exchanged.sealing.seal(Buffer.from("a"), "here");
    expect(() => exchanged.sealing.open(box, "there")).toThrow("not what was sealed for there");
    const named = { ...box, keyId: keys.before.sealing.id };
    expect(() => exchanged.sealing.open(named, "here")).toThrow("not what was sealed for here");
  });

  test("a box of a third key says which keys there are", () => {
    const { sealing } = keys.known;
    const box = SealingKey.random().seal(Buffer.from("a"), "here");
    expect(() => sealing.open(box, "here")).toThrow(`not by ${sealing.ids.join(" or ")}`);
  });
});

test("each key has 32 bytes", () => {
  for (const setting of ["", ",", `${old},`, `,${old}`, `${old},c2hvcnQ=`]) {
    expect(() => new InstallationKeys(setting)).toThrow(RangeError);
  }
});

test("the keys do not show", () => {
  const shown = inspect(keys.known, { showHidden: true, depth: 9 }) + JSON.stringify(keys.known);
  expect(shown).not.toMatch(/07 07|08 08|7, ?7|8, ?8/);
});
