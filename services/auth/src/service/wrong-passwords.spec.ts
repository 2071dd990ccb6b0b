import { expect, test } from "vitest";
import { WrongPasswords } from "./wrong-passwords.js";

function counting(fields: { names?: number } = {}) {
  const clock = { now: 0 };
  const wrong = new WrongPasswords({ most: 3, windowMs: 60_000, names: 10, ...fields }, () => clock.now);
  return { wrong, clock };
}
const tooMany = (retryAfterS: number) =>
  expect.objectContaining({ name: "TooManyWrongPasswords", retryAfterS });

test("so many are taken in the window, and then no more until the oldest is out of it", () => {
  const { wrong, clock } = counting();
  for (clock.now of [0, 10_000, 20_000]) wrong.begin("ash");
  expect(() => wrong.begin("ash")).toThrow(tooMany(40));
  expect(() => wrong.check("ash")).toThrow(tooMany(40));
  clock.now = 60_000;
  wrong.begin("ash");
  expect(() => wrong.check("ash")).toThrow(tooMany(10));
});

test("right ones do not count", () => {
  const { wrong } = counting();
  for (let i = 0; i < 10; i++) wrong.begin("ash")();
  wrong.begin("ash");
  wrong.begin("ash");
  wrong.begin("ash")();
  wrong.check("ash");
});

test("while it is not known whether they are right they count as wrong", () => {
  const { wrong } = counting();
  const tries = [0, 1, 2].map(() => wrong.begin("ash"));
  expect(() => wrong.begin("ash")).toThrow(tooMany(60));
  for (const right of tries) right();
  wrong.begin("ash");
});

test("each name has its own count", () => {
  const { wrong } = counting();
  for (let i = 0; i < 3; i++) wrong.begin("ash");
  wrong.begin("ivy");
  expect(() => wrong.begin("ash")).toThrow();
});

test("so many names are remembered, those that were tried last", () => {
  const { wrong } = counting({ names: 2 });
  for (const name of ["ash", "ivy", "ash", "ash", "una"]) wrong.begin(name);
  expect(() => wrong.check("ash")).toThrow();
  wrong.begin("ivy");
  wrong.begin("una");
  wrong.check("ash");
});
