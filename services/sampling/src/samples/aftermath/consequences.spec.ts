import { create } from "@bufbuild/protobuf";
import { registry } from "@fieldlog/contracts";
import { expect, it, vi } from "vitest";
import type { MadeSample } from "../sample.js";
import { Consequences, type ConsequencesParts } from "./consequences.js";

const id = { namespace: "ns", id: "s1" };
const stored = { case: "sampleStored", value: create(registry.SampleStoredSchema) } as const;
const made = {
  ...{ phase: "stored", number: 7, storedAt: 1, storedBy: "key:1" },
  sample: { device: "d1", key: "d1", content: { bytes: 1, sha256: "00", mediaType: "a/b" } },
} as unknown as MadeSample;

/** Of a device that has this key. */
async function follow(key: Uint8Array | undefined) {
  const [erase, append] = [vi.fn(async () => undefined), vi.fn(async () => 1)];
  const find = vi.fn(async () => key);
  const parts = {
    ...{ samples: { made: async () => made, erase }, log: { signals: { append } }, keys: { find } },
  } as unknown as ConsequencesParts;
  await new Consequences(parts).ofSample(id, stored);
  expect(find).toHaveBeenCalledWith("ns", "d1");
  return { erased: erase.mock.calls, told: append.mock.calls };
}

it("a sample that was stored just while its device was erased goes, and is not told of", async () => {
  expect(await follow(undefined)).toEqual({ erased: [[id]], told: [] });
});

it("a sample whose device is there is told of", async () => {
  expect(await follow(new Uint8Array(32))).toEqual({ erased: [], told: [["ns", expect.anything()]] });
});
