import type { Aggregates } from "@fieldlog/aggregates";
import { expect, test } from "vitest";
import type { Device } from "../decisions/device.js";
import { Devices } from "./devices.js";

test("registering under an id that is taken, or bytes that make none, draws another", async () => {
  const tried: string[] = [];
  const state: Device = { phase: "unknown" };
  const begin = async (_: unknown, { id }: { id: string }) => {
    tried.push(id);
    return tried.length < 3 ? undefined : { state, sequence: 9, result: { newSensorIds: [] } };
  };
  const random = [255, 0, 255, 127];
  const devices = new Devices({
    aggregates: { begin } as unknown as Aggregates,
    naming: { isUnique: async () => true, holders: async () => [] },
    random: () => Buffer.alloc(8, random.shift()),
  });
  const found = await devices.register("default", { dialect: "csn", sensors: [] });
  expect(tried).toEqual(["9007199254740991", "9007199254740991", found.id]);
  expect(found).toMatchObject({ id: "8865909854666623", sequence: 9 });
});
