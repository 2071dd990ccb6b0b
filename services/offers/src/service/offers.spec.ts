import type { Aggregates } from "@fieldlog/aggregates";
import { TooManyConflicts } from "@fieldlog/decider";
import { expect, it, vi } from "vitest";
import type { Upload } from "../decisions/upload.js";
import { Offers, type OffersParts, type OneOffer } from "./offers.js";

const one: OneOffer = {
  ...{ sensor: "0", sensorType: "accelerometer", format: "application/octet-stream", bytes: 0, fileName: "" },
  ...{ current: true, requestNumber: 0 },
};
const none: Upload = { phase: "none" };
const made = { phase: "offered", number: 7, offered: { expiresAt: 1 }, offeredAt: 0 } as unknown as Upload;

/** Before a log whose newest decisions are seen as `seen`, one after the other, the last one for ever. */
function offers(seen: Upload[]): Offers {
  const next = () => (seen.length > 1 ? seen.shift() : seen[0]) ?? none;
  const aggregates = {
    current: async () => ({ state: next(), sequence: 0 }),
    // Somebody else was first.
    begin: vi.fn(async () => undefined),
  } as unknown as Aggregates;
  const parts: Partial<OffersParts> = {
    ...{ aggregates, now: () => 0 },
    policy: async () => ({ acceptsAll: true, storedBytes: undefined, uploadBytes: 1_000 }),
    reader: { rows: { openRequests: async () => [] } } as unknown as OffersParts["reader"],
    tokens: { issue: () => "token" } as unknown as OffersParts["tokens"],
  };
  return new Offers(parts as OffersParts);
}

it("an offer that another replica has accepted already is accepted, also when that is seen a moment later", async () => {
  const [answer] = await offers([none, none, none, made]).decide("ns", "d", [one], "message");
  expect(answer).toMatchObject({ upload: { number: 7 }, token: "token" });
});

it("an offer of which it does not become known what was decided is not answered", async () => {
  await expect(offers([none]).decide("ns", "d", [one], "message")).rejects.toThrow(TooManyConflicts);
});
