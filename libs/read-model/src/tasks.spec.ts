import { describe, expect, it } from "vitest";
import { Tasks } from "./tasks.js";

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));

describe("tasks", () => {
  it("end together when one fails, with that one's error", async () => {
    const tasks = new Tasks(new AbortController().signal);
    tasks.run(untilAborted);
    tasks.run(async () => {
      throw new Error("the first");
    });
    await expect(tasks.ended()).rejects.toThrow("the first");
  });
  it("end without an error when they are told to", async () => {
    const ending = new AbortController();
    const tasks = new Tasks(ending.signal);
    tasks.run(untilAborted);
    ending.abort();
    await tasks.ended();
  });
});
