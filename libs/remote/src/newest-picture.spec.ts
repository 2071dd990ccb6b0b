import { describe, expect, it } from "vitest";
import { NewestPicture } from "./newest-picture.js";

const picture = (n: number) => Uint8Array.of(n);

describe("a viewer", () => {
  it("who is quick sees every picture", () => {
    const seen: number[] = [];
    const newest = new NewestPicture(([n = 0]) => seen.push(n) > 0);
    for (let n = 1; n <= 5; n++) newest.offer(picture(n));
    expect([seen, newest.passedOver]).toEqual([[1, 2, 3, 4, 5], 0]);
  });

  it("who is slow sees the newest one when he has taken the one before", () => {
    const seen: number[] = [];
    const newest = new NewestPicture(([n = 0]) => seen.push(n) < 0);
    for (let n = 1; n <= 5; n++) newest.offer(picture(n));
    expect(seen).toEqual([1]);
    newest.taken();
    expect([seen, newest.passedOver]).toEqual([[1, 5], 3]);
    newest.taken();
    newest.offer(picture(6));
    expect(seen).toEqual([1, 5, 6]);
  });
});
