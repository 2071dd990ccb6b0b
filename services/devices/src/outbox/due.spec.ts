import { expect, test } from "vitest";
import { Due } from "./due.js";

const device = (id: string) => ({ namespace: "default", id });
const signal = new AbortController().signal;

test("devices wait once each, in the order in which they came", async () => {
  const due = new Due();
  for (const id of ["a", "b", "a", "c"]) due.add(device(id));
  expect(due.size).toBe(3);
  expect(await due.take(2, signal)).toEqual([device("a"), device("b")]);
  expect(await due.take(2, signal)).toEqual([device("c")]);
  expect(due.size).toBe(3);
  for (const id of ["a", "b", "c"]) due.done(device(id));
  expect(due.size).toBe(0);
});

test("one that comes while it is served is served again", async () => {
  const due = new Due();
  due.add(device("a"));
  await due.take(1, signal);
  due.add(device("a"));
  due.done(device("a"));
  expect(await due.take(1, signal)).toEqual([device("a")]);
});

test("who waits for devices gets the first that comes, or none when it is over", async () => {
  const due = new Due();
  const first = due.take(5, signal);
  due.add(device("a"));
  expect(await first).toEqual([device("a")]);
  const ending = new AbortController();
  const none = due.take(5, ending.signal);
  ending.abort();
  expect(await none).toEqual([]);
  expect(await due.take(5, ending.signal)).toEqual([]);
});
