import { positionOf } from "@fieldlog/contracts";
import { LogUnavailable } from "@fieldlog/event-log";
import { expect, it } from "vitest";
import { Events } from "./events.js";
import type { CredParts } from "./parts.js";
import type { CredRequest } from "./request.js";

it("an event that a parted server does not know of yet is not said to be none", async () => {
  const asked: bigint[] = [];
  const parts = {
    access: { client: async () => ({ namespace: "n", device: "d" }) },
    activity: { heard: async () => undefined },
    ownWrites: { of: () => 2 },
    log: { lastSequence: async () => 5, settledEnd: async () => 9 },
    projections: {
      listEvents: async ({ atLeast }: { atLeast: bigint }) => {
        asked.push(atLeast);
        return { events: [] };
      },
    },
  };
  const show = (sequence: number, from: object = parts) =>
    new Events(from as CredParts).show({ id: positionOf(sequence, 0) } as CredRequest);
  for (const sequence of [9, 10]) await expect(show(sequence)).rejects.toMatchObject({ status: 404 });
  expect(asked).toEqual([2n, 9n, 2n]);
  const settledEnd = () => Promise.reject(new LogUnavailable("it is parted"));
  const parted = { ...parts, log: { ...parts.log, settledEnd } };
  await expect(show(9, parted)).rejects.toBeInstanceOf(LogUnavailable);
});
