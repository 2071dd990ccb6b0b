import { describe, expect, test } from "vitest";
import { user } from "../decisions/user.js";
import { catchingUp, Lookup } from "./lookup.js";

const id = (name: string) => ({ namespace: "_", id: name });

/** A read model that has `before`, and `after` once it has caught up. */
function reading(before: string[], after: string[]) {
  const calls: string[] = [];
  let known = before;
  const find = async () => {
    calls.push("find");
    return known.map(id);
  };
  const lookup = new Lookup({ find }, async () => {
    calls.push("catch up");
    known = after;
  });
  return { lookup, calls };
}
const good = async ({ id: name }: { id: string }) => (name.startsWith("good") ? name : undefined);

test("what the read model has is found at once", async () => {
  const { lookup, calls } = reading(["good 1", "stale", "good 2"], []);
  expect(await lookup.find(user, "key", good)).toEqual(["good 1", "good 2"]);
  expect(calls).toEqual(["find"]);
});

test.each([[[]], [["stale"]]])(
  "what it does not have yet is found when it has caught up: %j",
  async (before) => {
    const { lookup, calls } = reading(before, ["good 1"]);
    expect(await lookup.find(user, "key", good)).toEqual(["good 1"]);
    expect(calls).toEqual(["find", "catch up", "find"]);
  },
);

test("what is nowhere is not found", async () => {
  expect(await reading([], []).lookup.find(user, "key", good)).toEqual([]);
});

test("whether there is any is not known while it cannot catch up", async () => {
  const lookup = new Lookup({ find: async () => [] }, () => Promise.reject(new Error("away")));
  await expect(lookup.find(user, "key", good)).rejects.toThrow("away");
});

describe("catching up", () => {
  test("is having what is in the log now", async () => {
    const asked: number[] = [];
    const waitFor = async (sequence: number) => asked.push(sequence) > 0;
    await catchingUp({ lastSequence: async () => 7 }, { waitFor })();
    expect(asked).toEqual([7]);
  });

  test("fails while the read model is behind", async () => {
    const caughtUp = catchingUp({ lastSequence: async () => 7 }, { waitFor: async () => false });
    await expect(caughtUp()).rejects.toThrow("the read model does not answer");
  });

  test("does not wait for ever for a log that does not answer", async () => {
    const caughtUp = catchingUp({ lastSequence: () => new Promise(() => {}) }, { waitFor: async () => true });
    await expect(caughtUp()).rejects.toThrow("no answer in time");
  });
});
