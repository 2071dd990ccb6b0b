import { limits } from "@fieldlog/contracts";
import { z } from "zod";
import { component, count, id, limit, time } from "../schemas.js";

// What devices are asked to sample, as the native API takes and shows it.

const category = z.enum(["training", "testing", "anomaly", "split", "validation", "post-processing"]);
const UNDER_WAY = [
  ...(["queued", "sent", "accepted", "started", "processing", "reading", "uploading", "finished"] as const),
] as const;
const ENDED = ["arrived", "refused", "failed", "timed-out", "cancelled"] as const;
const state = z
  .enum([...UNDER_WAY, ...ENDED])
  .describe("Where it stands; ended: arrived, refused, failed, timed-out, cancelled");
const text = z.string().min(1).max(127);
const samples = z.int().min(0).max(1_000_000_000);

export const NewSampling = component(
  "NewSampling",
  z
    .strictObject({
      sensor: text.optional().describe("As the device names it; absent: it has but one, or names none"),
      label: text.describe("What is sampled"),
      lengthMs: z.int().min(1).max(limits.samplingMs).describe("How long"),
      intervalMs: z.number().positive().max(limits.samplingMs).describe("Between two values; 0.0625: 16 kHz"),
      category: category.default("training").describe("Where it is stored; split: training or testing"),
      labelColor: text.optional().describe("For the device's screen"),
      collectedSampleCount: samples.optional().describe("For the device's screen"),
      targetSampleCount: samples.optional().describe("For the device's screen"),
    })
    .describe("What a device is to sample"),
);

export const Sampling = component(
  "Sampling",
  z.object({
    id: z.string(),
    number: z.int().positive().describe("Strictly increasing within the installation"),
    device: z.string(),
    state,
    place: z.int().nullable().describe("In the device's queue, from 1; null: it does not wait"),
    percent: z.number().nullable().describe("How far the device has read its memory out, if it says so"),
    error: z.string().nullable().describe("Why it was refused, failed or timed out"),
    sample: z.int().nullable().describe("Number of what arrived"),
    sensor: z.string().nullable(),
    label: z.string(),
    lengthMs: z.int(),
    intervalMs: z.number(),
    category: z.string(),
    labelColor: z.string().nullable(),
    collectedSampleCount: z.int().nullable(),
    targetSampleCount: z.int().nullable(),
    requestedAt: time,
    queuedUntil: time.describe("When it times out if its turn has not come"),
    changedAt: time,
    endedAt: time.nullable(),
    steps: z
      .array(z.object({ name: z.string(), at: time }))
      .describe("What has happened, in that order; of each name the first. Devices tell in any order"),
  }),
);
export const Samplings = component(
  "Samplings",
  z.object({
    samplings: z.array(Sampling),
    next: z.int().nullable().describe("Give it as before, to go on; null: no more"),
  }),
);

const page = {
  limit,
  before: count(1).optional().describe("Only those with a smaller number: the page before's next"),
  state: z
    .union([state, z.literal("running")])
    .optional()
    .describe("running: sent, and not ended"),
};
export const DeviceSamplingsQuery = z.strictObject(page);
export const SamplingsQuery = z.strictObject({ ...page, device: id.optional() });
