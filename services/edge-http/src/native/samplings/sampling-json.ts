import type { sampling } from "@fieldlog/contracts";
import { optionalTime, time } from "../json.js";

/** A sampling as the native API shows it. */
export function samplingJson(one: sampling.Sampling) {
  const { id, device, state, asked } = one;
  if (asked === undefined) throw new Error("a sampling without what was asked");
  const { label, lengthMs, intervalMs, category } = asked;
  return {
    ...{ id, number: Number(one.number), device, state },
    place: one.place ?? null,
    percent: one.percent ?? null,
    error: one.reason || null,
    sample: one.sampleNumber === undefined ? null : Number(one.sampleNumber),
    sensor: asked.sensor || null,
    ...{ label, lengthMs, intervalMs, category },
    labelColor: asked.labelColor || null,
    collectedSampleCount: asked.collectedSamples ?? null,
    targetSampleCount: asked.targetSamples ?? null,
    requestedAt: time(one.requestedAt),
    queuedUntil: time(asked.queuedUntil),
    changedAt: time(one.changedAt),
    endedAt: optionalTime(one.endedAt),
    steps: one.steps.map(({ name, at }) => ({ name, at: time(at) })),
  };
}
