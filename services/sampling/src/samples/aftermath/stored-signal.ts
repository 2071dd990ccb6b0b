import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { signals } from "@fieldlog/contracts";
import type { MadeSample } from "../sample.js";

/** The name of the event that tells of a sample; libs/events lets nobody publish others of it. */
export const STORED = "SampleStored";

/** An encoded Signal; the same sample has the same identity, however often it is told. */
export function storedSignal(id: string, { number, sample, storedAt, storedBy }: MadeSample): Uint8Array {
  const { device, sensor, category, label, fileName, signature, sampling, content } = sample;
  const data = Buffer.from(
    JSON.stringify({
      ...{ sample: number, id, category, label, fileName },
      ...{ sensor: sensor || undefined, sampling: sampling || undefined, signature: signature || undefined },
      ...{ intervalMs: sample.intervalMs, lengthMs: sample.lengthMs },
      ...{ bytes: content.bytes, sha256: content.sha256, mediaType: content.mediaType },
    }),
  );
  const signal = create(signals.SignalSchema, {
    // Of no device that is known, it is told of the key that stored it.
    device: device || storedBy,
    identity: `sampling/stored/${id}`,
    digest: createHash("sha256").update(data).digest().subarray(0, 8),
    receivedAt: BigInt(storedAt),
    occurredAt: BigInt(storedAt),
    body: { case: "event", value: { name: STORED, issuer: "sampling", data } },
  });
  return toBinary(signals.SignalSchema, signal);
}
