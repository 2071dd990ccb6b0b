import { describe, expect, it } from "vitest";
import { AtOnce } from "./at-once.js";

describe("work that is heavy", () => {
  it("is done as far as there are places, and a place is free again whatever becomes of the work", async () => {
    const exports = new AtOnce(2, "Too many at once.");
    const first = Promise.withResolvers<string>();
    const second = Promise.withResolvers<string>();
    const done = exports.do(() => first.promise);
    const failed = exports.do(() => second.promise);
    await expect(exports.do(async () => "third")).rejects.toMatchObject({
      ...{ status: 503, message: "Too many at once.", more: { retryAfterS: 5 } },
    });
    second.reject(new Error("broken off"));
    await expect(failed).rejects.toThrow("broken off");
    await expect(exports.do(async () => "third")).resolves.toBe("third");
    first.resolve("first");
    await expect(done).resolves.toBe("first");
  });
});
