import { limits } from "@fieldlog/contracts";
import { GEOCELL_BITS, isGeocell } from "@fieldlog/geocells";
import { z } from "zod";
import { DataRequest } from "../readings/reading-schemas.js";
import { component, count, id, limit, position, time } from "../schemas.js";

const number = z.int().nonnegative();
const state = z.enum(["active", "late", "inactive"]);
const whole = z.int().nonnegative().max(2_147_483_647);
const geocell = z.string().refine(isGeocell, "must be a geocell: up to 48 of 0 and 1");

export const NewHeartbeat = component(
  "NewHeartbeat",
  z
    .strictObject({
      status: z
        .enum(["update", "restart", "sleep", "shutdown", "killed", "quit"])
        .optional()
        .describe("With the last four the device goes, and is inactive at once"),
      sensors: z.array(id).max(limits.sensorsPerDevice).optional().describe("Those that are connected"),
      rates: z
        .array(z.strictObject({ sensor: id, eventCount: whole, windowS: whole }))
        .max(limits.sensorsPerDevice)
        .optional()
        .describe("How many events each sensor had in the last seconds"),
      location: z
        .strictObject({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) })
        .optional()
        .describe("Where the device is; requests by place are answered to who says it"),
      latestRequest: number.optional().describe("Number of the newest data request that the device knows of"),
    })
    .describe("That the device is alive; every part may be absent"),
);

export const HeartbeatTaken = component(
  "HeartbeatTaken",
  z.object({
    position,
    latestRequest: number.describe("Give it with the next heartbeat"),
    requests: z.array(DataRequest).describe("Open data requests that concern the device, newer than that"),
  }),
);

export const Liveness = component(
  "Liveness",
  z.object({
    device: z.string(),
    state: state.describe("late: no sign of life for longer than it should take, but active"),
    lastHeartbeatAt: time.describe("When the last sign of life was received"),
    since: time.describe("It has been active, or inactive, since then"),
    status: z.string().nullable().describe("Of the last heartbeat"),
    heartbeatS: number.describe("Seconds within which a sign of life is expected"),
    inactiveAfterS: number,
  }),
);

export const LivenessQuery = z.strictObject({
  state: state.optional(),
  limit,
  after: id.optional().describe("Only devices behind this one: the page before's next"),
});

export const Livenesses = component(
  "Livenesses",
  z.object({
    devices: z.array(Liveness).describe("May be fewer than asked for, also none, where there are more"),
    next: z.string().nullable().describe("Give it as after, to go on; null: no more"),
  }),
);

export const ActiveQuery = z.strictObject({
  resolution: count(1, GEOCELL_BITS).optional().describe("Bits of the geocells; absent: one count of all"),
  within: geocell.optional().describe("Only what lies in this geocell"),
  limit,
  after: z.string().max(GEOCELL_BITS).optional().describe("The page before's next"),
});

export const ActiveCounts = component(
  "ActiveCounts",
  z.object({
    counts: z.array(
      z.object({
        geocell: z.string().nullable().describe("Empty: all; null: of devices whose place nobody knows"),
        bounds: z
          .object({ west: z.number(), east: z.number(), south: z.number(), north: z.number() })
          .optional()
          .describe("Of the geocell, in degrees"),
        activeMobile: number.describe("Laptops, tablets and phones; late ones count as active"),
        activeStatic: number.describe("All others"),
        inactive: number,
      }),
    ),
    next: z.string().nullable().describe("Give it as after, to go on; null: no more"),
  }),
);
