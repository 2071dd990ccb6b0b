import type { sampling } from "@fieldlog/contracts";
import { time } from "../json.js";

/** gRPC's sample as the native API's JSON. */
export function sampleJson({ id, number, stored, storedAt, changedAt }: sampling.Sample) {
  if (stored?.stored === undefined) throw new Error("sampling answered without what was stored");
  const { category, label, fileName, enabled, device, deviceType, sensor, signature } = stored;
  const { bytes, sha256, mediaType } = stored.stored;
  return {
    ...{ id, number: Number(number), category, label: label || null, fileName, enabled },
    ...{ device: device || null, deviceType: deviceType || null, sensor: sensor || null },
    sampling: stored.sampling || null,
    signature: signature || null,
    intervalMs: stored.intervalMs ?? null,
    lengthMs: stored.lengthMs ?? null,
    values: Number(stored.values),
    axes: stored.axes.map(({ name, units }) => ({ name, units })),
    metadata: { ...stored.metadata },
    annotations: annotationsOf(stored.annotationsJson),
    uploadSource: stored.uploadSource || null,
    attachments: stored.attachments.map((file) => {
      return { name: file.name, mediaType: file.mediaType, bytes: Number(file.bytes) };
    }),
    ...{ mediaType, bytes: Number(bytes), sha256: Buffer.from(sha256).toString("hex") },
    ...{ storedAt: time(storedAt), changedAt: time(changedAt) },
  };
}

function annotationsOf(json: string): unknown {
  if (json === "") return null;
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

export function countJson({ category, label, samples, bytes, lengthMs }: sampling.SampleCount) {
  return { category, label: label || null, samples: Number(samples), bytes: Number(bytes), lengthMs };
}
