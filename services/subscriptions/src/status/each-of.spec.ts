import { expect, it } from "vitest";
import { eachOf } from "./each-of.js";

it("gives the results in the order of the items, working on so many at once and no more", async () => {
  let under = 0;
  let most = 0;
  const results = await eachOf([5, 1, 4, 2, 3, 0], 2, async (item) => {
    most = Math.max(most, ++under);
    for (let turn = 0; turn < item; turn++) await Promise.resolve();
    under--;
    return item * 10;
  });
  expect(results).toEqual([50, 10, 40, 20, 30, 0]);
  expect(most).toBe(2);
});

it("of nothing gives nothing", async () => {
  expect(await eachOf([], 8, () => Promise.reject(new Error("never asked")))).toEqual([]);
});

it("raises what the first to fail raised", async () => {
  const work = async (item: number) => {
    if (item === 2) throw new Error("two");
    return item;
  };
  await expect(eachOf([1, 2, 3], 1, work)).rejects.toThrow("two");
});
