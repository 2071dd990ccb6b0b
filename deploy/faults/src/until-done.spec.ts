import { describe, expect, it, vi } from "vitest";
import { lastLook, untilDone } from "./until-done.js";

/** In time, however busy the machine is; and late at the first look. */
const SOON_MS = 60_000;
const LATE_MS = -1;

const away = async (): Promise<string[]> => {
  throw new Error("away");
};
const wrong = ([first]: readonly string[]) => first;

describe("waiting", () => {
  it("ends when nothing is missing, and says what still is when it is too late", async () => {
    const left = ["a"];
    await untilDone("all", SOON_MS, () => left.pop());
    await expect(untilDone("all", LATE_MS, () => "c")).rejects.toThrow("all: c");
  });

  it("takes that it cannot look for something that is missing", async () => {
    const missing = async () => (await away())[0];
    await expect(untilDone("all", LATE_MS, missing)).rejects.toThrow("all: could not look: away");
  });
});

describe("the last look", () => {
  it("is what was seen when nothing was wrong, or last", async () => {
    const looks = [["x"], []];
    const look = async () => looks.shift() ?? [];
    expect(await lastLook("it", { ms: SOON_MS, look, wrong })).toEqual([]);
    const late = vi.fn();
    expect(await lastLook("it", { ms: LATE_MS, look: async () => ["z"], wrong, late })).toEqual(["z"]);
    expect(late).toHaveBeenCalledWith(expect.stringContaining("it: z"));
  });

  it("is none when there never could be one", async () => {
    await expect(lastLook("it", { ms: LATE_MS, look: away, wrong })).rejects.toThrow("away");
  });
});
