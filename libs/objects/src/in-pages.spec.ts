import { expect, it } from "vitest";
import { inPages } from "./in-pages.js";

async function* numbers(count: number) {
  for (let n = 1; n <= count; n++) yield n;
}

it.each([
  [0, []],
  [1, [[1]]],
  [2, [[1, 2]]],
  [3, [[1, 2], [3]]],
  [
    4,
    [
      [1, 2],
      [3, 4],
    ],
  ],
])("puts %i into pages of two", async (count, pages) => {
  const found: number[][] = [];
  for await (const page of inPages(numbers(count), 2)) found.push(page);
  expect(found).toEqual(pages);
});
