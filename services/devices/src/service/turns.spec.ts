import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { Turns } from "./turns.js";

test("work on one key is done in turn, on another at the same time, and is forgotten", async () => {
  const turns = new Turns();
  const done: string[] = [];
  const work = (name: string, ms: number) => async () => {
    await delay(ms);
    done.push(name);
    return name;
  };
  const all = [
    turns.take("a", work("a1", 20)),
    turns.take("a", work("a2", 0)),
    turns.take("b", work("b1", 5)),
  ];
  expect(await Promise.all(all)).toEqual(["a1", "a2", "b1"]);
  expect(done).toEqual(["b1", "a1", "a2"]);
  expect(turns.size).toBe(0);
});

test("what failed lets the next one on", async () => {
  const turns = new Turns();
  const failed = turns.take("a", () => Promise.reject(new Error("no")));
  const next = turns.take("a", async () => 1);
  await expect(failed).rejects.toThrow("no");
  expect(await next).toBe(1);
  expect(turns.size).toBe(0);
});
