import { limits } from "@fieldlog/contracts";
import { GEOCELL_BITS, isGeocell } from "@fieldlog/geocells";
import { z } from "zod";
import { component, count, id, limit, time } from "../schemas.js";

const DAY_S = 86_400;
const geocell = z
  .string()
  .refine(isGeocell, "must be a geocell: up to 48 of 0 and 1")
  .describe("A 0 or 1 for each halving of the earth, longitude first: 1 is east, 1 is north");

export const RatesQuery = z
  .strictObject({
    by: z.enum(["sensor", "geocell"]).optional().describe("What is counted apart; absent: nothing"),
    resolution: count(1, GEOCELL_BITS).default(16).describe("Of geocells: how many bits; default 16"),
    within: geocell.optional().describe("Only what happened in this geocell"),
    window: count(1, 366 * DAY_S)
      .default(600)
      .describe("Seconds, up to `to`; default 600"),
    to: time.optional().describe("When the window ends; absent: now"),
    type: z.string().min(1).max(limits.textLength).optional(),
    device: id.optional(),
    contributing: z.literal("true").optional().describe("Only picks of devices that were active"),
    limit,
    after: z
      .string()
      .max(2 * limits.idLength)
      .optional()
      .describe("The page before's next"),
  })
  .describe("Absent type: whatever devices reported, without what the platform says of them");

const devices = z.int().nonnegative();

export const Rates = component(
  "Rates",
  z.object({
    from: time,
    to: time,
    rates: z.array(
      z.object({
        device: z.string().optional().describe("By sensor"),
        sensor: z.string().nullable().optional().describe("By sensor; null: the event named none"),
        geocell: z.string().nullable().optional().describe("By geocell; null: nobody knows where it was"),
        bounds: z
          .object({ west: z.number(), east: z.number(), south: z.number(), north: z.number() })
          .optional()
          .describe("Of the geocell, in degrees"),
        events: z.int().nonnegative(),
        perMinute: z.number(),
        mobileDevices: devices.describe("That caused them: laptops, tablets and phones"),
        staticDevices: devices.describe("That caused them: all others"),
        reported: z
          .object({ events: z.int(), windowS: z.int() })
          .optional()
          .describe("By sensor: what the device's last heartbeat with rates said of it"),
      }),
    ),
    next: z.string().nullable().describe("Give it as after, to go on; null: no more"),
  }),
);
