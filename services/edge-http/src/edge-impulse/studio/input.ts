import { limits } from "@fieldlog/contracts";
import { z } from "zod";

// The bodies of the REST set. What they do not name is ignored, as the original does.

const text = z.string().max(limits.idLength);
/** Characters that the boards' firmware has room for. */
const TEXT = 127;
const count = z.number().int().min(0).max(0xffff_ffff);

export const NewDevice = z.object({
  deviceId: text.min(1),
  deviceType: text.default(""),
});

export const NewName = z.object({ name: text.min(1) });

export const NewKey = z.object({ name: z.string().min(1).max(100) });

export const NewSampling = z.object({
  label: z.string().max(TEXT),
  lengthMs: z.number().int().min(1).max(limits.samplingMs),
  category: z.enum(["training", "testing", "anomaly", "split", "validation", "post-processing"]),
  intervalMs: z.number().min(0).max(limits.samplingMs),
  sensor: z.string().max(TEXT).default(""),
  labelColor: z.string().max(TEXT).default(""),
  collectedSampleCount: count.optional(),
  targetSampleCount: count.optional(),
});

export const NewSnapshots = z.object({ resolution: z.enum(["high", "low"]).default("low") });

export const StreamId = z.object({ streamId: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER) });

const index = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const WantedRecords = z.object({
  index: index.optional(),
  range: z.object({ first: index.optional(), last: index.optional() }).optional(),
  list: z.array(index).max(1_000).default([]),
});

/** Anything: the request says all in its path. */
export const Nothing = z.unknown();
