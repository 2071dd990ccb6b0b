import { expect, test } from "vitest";
import { TooBusy } from "../decisions/refusals.js";
import { Passwords } from "./passwords.js";

test("a password is kept as argon2id with 64 MiB, three passes and four lanes, and known again", async () => {
  const passwords = new Passwords({ atOnce: 2, waiting: 2 });
  const phc = await passwords.hash("correct horse");
  expect(phc).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$[^$]{22}\$[^$]{43}$/);
  expect(await passwords.verify(phc, "correct horse")).toBe(true);
  expect(await passwords.verify(phc, "correct horsE")).toBe(false);
  expect(await passwords.hash("correct horse")).not.toBe(phc);
});

test("a hash that passlib made is known", async () => {
  const phc =
    "$argon2id$v=19$m=65536,t=3,p=4$AAECAwQFBgcICQoLDA0ODw$EPNDFWpvo9HQmMVJ2Ba/wGUzuNCLJrMfa24oe9fDJpM";
  const passwords = new Passwords({ atOnce: 1, waiting: 1 });
  expect(await passwords.verify(phc, "12345678")).toBe(true);
});

test("so many are hashed at once, so many wait in their order, and more are refused", async () => {
  const passwords = new Passwords({ atOnce: 2, waiting: 3 });
  const phc = await passwords.hash("12345678");
  const begun: number[] = [];
  const tries = [0, 1, 2, 3, 4, 5, 6].map((i) => passwords.verify(phc, "12345678", () => begun.push(i)));
  await Promise.resolve();
  expect(begun, "at once").toEqual([0, 1]);
  const ended = await Promise.allSettled(tries);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  expect(ended.filter(({ status }) => status === "rejected")).toEqual(
    [5, 6].map(() => ({ status: "rejected", reason: expect.any(TooBusy) })),
  );
});

test("one that fails makes room for the next", async () => {
  const passwords = new Passwords({ atOnce: 1, waiting: 1 });
  for (let i = 0; i < 3; i++) await expect(passwords.verify("no hash", "12345678")).rejects.toThrow();
  const phc = await passwords.hash("12345678");
  const refused = () => {
    throw new Error("not this one");
  };
  await expect(passwords.verify(phc, "12345678", refused)).rejects.toThrow("not this one");
  expect(await passwords.verify(phc, "12345678")).toBe(true);
});
