import { expect, it } from "vitest";
import { Turns } from "./turns.js";

it("work of a key is done in turn, whatever becomes of it; other keys do not wait; nothing is left", async () => {
  const turns = new Turns();
  const done: string[] = [];
  const gates = new Map<string, () => void>();
  const work = (key: string, name: string, fails = false) =>
    turns.take(key, async () => {
      await new Promise<void>((resolve) => gates.set(name, resolve));
      done.push(name);
      if (fails) throw new Error(name);
      return name;
    });
  const open = async (name: string) => {
    await expect.poll(() => gates.has(name)).toBe(true);
    gates.get(name)?.();
  };
  const first = work("a", "a1", true);
  const second = work("a", "a2");
  const other = work("b", "b1");
  await open("b1");
  expect(await other).toBe("b1");
  expect(gates.has("a2")).toBe(false);
  await open("a1");
  await expect(first).rejects.toThrow("a1");
  await open("a2");
  expect(await second).toBe("a2");
  expect(done).toEqual(["b1", "a1", "a2"]);
  await expect.poll(() => turns.size).toBe(0);
});
