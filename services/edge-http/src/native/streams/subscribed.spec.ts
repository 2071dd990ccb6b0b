import { positionOf } from "@fieldlog/contracts";
import { LogUnavailable } from "@fieldlog/event-log";
import { expect, it } from "vitest";
import { checkPast } from "./subscribed.js";

it("a position is refused by an end that is settled, not by one that a parted server tells", async () => {
  const log = { lastSequence: async () => 5, settledEnd: async () => 9 };
  for (const sequence of [5, 9]) await checkPast(positionOf(sequence, 3), "after", log, "ns");
  await expect(checkPast(positionOf(10, 0), "after", log, "ns")).rejects.toMatchObject({ status: 400 });
  const parted = { ...log, settledEnd: () => Promise.reject(new LogUnavailable("it is parted")) };
  await checkPast(positionOf(5, 3), "after", parted, "ns");
  await expect(checkPast(positionOf(6, 0), "after", parted, "ns")).rejects.toBeInstanceOf(LogUnavailable);
});
