import { describe, expect, it } from "vitest";
import { LoadCache, LoadsExceeded } from "./load-cache.js";

/** A source of values whose answers come when the test says so. */
function source() {
  const asked: { key: string; answer: (value: string | undefined) => void; fail: (e: Error) => void }[] = [];
  const load = (key: string) =>
    new Promise<string | undefined>((answer, fail) => asked.push({ key, answer, fail }));
  return { asked, load };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("LoadCache", () => {
  it("asks once for those who want the same thing at once, and keeps the answer", async () => {
    const { asked, load } = source();
    const cache = new LoadCache({ load, max: 10 });
    const all = Promise.all([cache.get("a"), cache.get("a"), cache.get("a")]);
    expect(asked).toHaveLength(1);
    asked[0]?.answer("1");
    expect(await all).toEqual(["1", "1", "1"]);
    expect(cache.peek("a")).toBe("1");
    expect(await cache.get("a")).toBe("1");
    expect(asked).toHaveLength(1);
  });

  it("remembers for a while that there is no such thing", async () => {
    const { asked, load } = source();
    const cache = new LoadCache({ load, max: 10, absentMs: 30 });
    const first = cache.get("a");
    asked[0]?.answer(undefined);
    expect(await first).toBeUndefined();
    expect(await cache.get("a")).toBeUndefined();
    expect(asked).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 40));
    void cache.get("a");
    expect(asked).toHaveLength(2);
  });

  it("asks again for what has grown old, and believes it on only where nobody answers and that is allowed", async () => {
    for (const graceMs of [0, 1_000]) {
      const { asked, load } = source();
      const cache = new LoadCache({ load, max: 10, ttlMs: 30, graceMs });
      const grown = async (answer: (at: number) => void) => {
        await new Promise((resolve) => setTimeout(resolve, 40));
        expect(cache.peek("a")).toBeUndefined();
        const value = cache.get("a");
        answer(asked.length - 1);
        return value;
      };
      expect(await grown((at) => asked[at]?.answer("1"))).toBe("1");
      expect(await grown((at) => asked[at]?.answer("2"))).toBe("2");
      const failed = grown((at) => asked[at]?.fail(new Error("away")));
      if (graceMs === 0) await expect(failed).rejects.toThrow("away");
      else {
        expect([await failed, cache.peek("a"), asked.length]).toEqual(["2", "2", 3]);
        cache.invalidateWhere((value) => value === "2");
      }
      expect(await grown((at) => asked[at]?.answer(undefined))).toBeUndefined();
      expect(cache.size).toBe(0);
    }
  });

  it("does not believe on what was invalidated after it had grown old", async () => {
    const { asked, load } = source();
    const cache = new LoadCache({ load, max: 10, ttlMs: 30, graceMs: 1_000 });
    const first = cache.get("a");
    asked[0]?.answer("1");
    await first;
    await new Promise((resolve) => setTimeout(resolve, 40));
    const second = cache.get("a");
    cache.invalidateWhere((value) => value === "1");
    asked[1]?.fail(new Error("away"));
    await expect(second).rejects.toThrow("away");
  });

  it("asks again for what was invalidated while it was being looked up", async () => {
    const { asked, load } = source();
    const cache = new LoadCache({ load, max: 10 });
    const value = cache.get("a");
    cache.invalidate("a");
    asked[0]?.answer("old");
    await turn();
    expect(cache.peek("a")).toBeUndefined();
    expect(asked).toHaveLength(2);
    asked[1]?.answer("new");
    expect(await value).toBe("new");
    expect(cache.peek("a")).toBe("new");
  });

  it("gives up keeping what changes all the time, but still answers", async () => {
    const cache: LoadCache<string> = new LoadCache({
      load: async (key) => {
        cache.invalidate(key);
        return "moving";
      },
      max: 10,
    });
    expect(await cache.get("a")).toBe("moving");
    expect(cache.peek("a")).toBeUndefined();
  });

  it("keeps no failure", async () => {
    const { asked, load } = source();
    const cache = new LoadCache({ load, max: 10 });
    const failed = cache.get("a");
    asked[0]?.fail(new Error("away"));
    await expect(failed).rejects.toThrow("away");
    const second = cache.get("a");
    asked[1]?.answer("1");
    expect(await second).toBe("1");
  });

  it("is bounded in entries and in look-ups under way", async () => {
    const cache = new LoadCache({ load: async (key) => key, max: 3 });
    for (let i = 0; i < 20; i++) await cache.get(`${i}`);
    expect(cache.size).toBe(3);
    const { load } = source();
    const slow = new LoadCache({ load, max: 3, maxLoads: 2 });
    void slow.get("a");
    void slow.get("b");
    await expect(slow.get("c")).rejects.toBeInstanceOf(LoadsExceeded);
  });

  it("invalidates by content", async () => {
    const cache = new LoadCache({ load: async (key) => `value of ${key}`, max: 10 });
    await cache.get("a");
    await cache.get("b");
    cache.invalidateWhere((value) => value.endsWith("a"));
    expect(cache.peek("a")).toBeUndefined();
    expect(cache.peek("b")).toBe("value of b");
  });
});
