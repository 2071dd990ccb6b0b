import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { component, limit, time } from "../schemas.js";

// Fleet templates, as the native API takes and shows them.

const object = z.record(z.string(), z.unknown());
const tags = object.describe("All of them, as they stand; without any: conditions");
const reported = z
  .array(
    z.strictObject({
      field: z.string().min(1).max(1_024).describe('Names, one in the other: "battery.level"'),
      op: z.enum(["=", "!=", "<", "<=", ">", ">="]),
      value: z.union([z.string().max(1_024), z.number(), z.boolean()]).describe("Of the same type"),
    }),
  )
  .max(limits.fleetConditions)
  .describe("Conditions on what devices report, all of which hold; what is not there meets none");
const desired = object.describe("A merge patch of what is wanted of each: null takes away (RFC 7396)");
const takeWithinS = z.int().positive().max(limits.fleetTakeWithinMostS);
const stopAfterFailures = z
  .int()
  .positive()
  .max(2 ** 31);
const number = z.int().nonnegative();

export const NewFleetTemplate = component(
  "NewFleetTemplate",
  z.strictObject({
    tags: tags.default({}),
    reported: reported.default([]),
    desired,
    stopAfterFailures: stopAfterFailures
      .optional()
      .describe("Devices that have failed when no further one gets it; absent: all get it"),
    takeWithinS: takeWithinS
      .default(limits.fleetTakeWithinS)
      .describe("Seconds in which a device is to take it, or has failed"),
  }),
);

const template = {
  name: z.string(),
  revision: z.int().positive(),
  ...{ tags, reported, desired, stopAfterFailures: stopAfterFailures.nullable(), takeWithinS, setAt: time },
  stopped: z.string().nullable().describe("Why no further device gets it; null: they do"),
  matching: number.describe("Devices that have its tags, and meet its conditions"),
  applied: number.describe("Devices that have it, in this revision"),
  acknowledged: number.describe("Of those: devices that have taken it"),
  failed: number.describe(
    'Devices that could not get it, say so (reported property "desiredError": {"version", "error"}), or were late',
  ),
};
export const FleetTemplates = component(
  "FleetTemplates",
  z.object({ templates: z.array(z.object(template)) }),
);
const state = z
  .enum(["waiting", "applied", "acknowledged", "failed", "gone"])
  .describe("gone: there is no such device any more");
const devices = z.array(
  z.object({ device: z.string(), state, error: z.string().nullable(), changedAt: time.nullable() }),
);
export const FleetDevicesQuery = z.strictObject({
  state: state.optional().describe("Only those; absent: all"),
  limit,
  after: z.string().max(limits.idLength).default("").describe("Only devices behind this id"),
});
export const FleetDevices = component(
  "FleetDevices",
  z.object({ devices, next: z.string().nullable().describe("Give it as after, to go on; null: no more") }),
);
export const FleetTemplate = component(
  "FleetTemplate",
  z.object({
    ...template,
    devices: devices.describe("The first 1,000, those that failed first, then those that wait"),
  }),
);
export const SetFleetTemplate = component("SetFleetTemplate", z.object({ revision: z.int().positive() }));
export const StopFleetTemplate = component(
  "StopFleetTemplate",
  z.strictObject({ reason: z.string().max(500).default("") }),
);
