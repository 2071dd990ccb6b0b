import { createHash } from "node:crypto";
import type { Edge } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import type { SampleStore } from "@fieldlog/samples";
import type { DeviceEvents } from "../device-events.js";
import type { DeviceSession } from "../feature.js";
import type { RawData, Record } from "./record.js";

/** Of samples that are the raw data of a record. */
const CATEGORY = "inference";
const MEDIA_TYPES: Readonly<globalThis.Record<string, string>> = {
  jpg: "image/jpeg",
  png: "image/png",
  wav: "audio/wav",
};
/** A device's clock that says more than a day beyond ours says nothing. */
const DAY_MS = 86_400_000;
/** Of a clock that tells milliseconds since 1970; less is something else, as seconds since its start. */
const FIRST_MS = Date.UTC(2010, 0);

export interface StoreRecordParts {
  readonly samples: Pick<SampleStore, "begin">;
  readonly sampling: Pick<Edge["sampling"], "listSamples">;
  readonly events: Pick<DeviceEvents, "append">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Writes what a device's model saw to the log. */
export class StoreRecord {
  /** Of the model that the device runs; undefined: it does not say. */
  private readonly deploymentVersion: unknown;

  constructor(
    private readonly parts: StoreRecordParts,
    private readonly session: Pick<DeviceSession, "namespace" | "device" | "hello">,
  ) {
    this.deploymentVersion = versionIn(session.hello.inferenceInfo);
  }

  /**
   * Resolves when the record is on disk. The same record, sent as it was seen and sent again when it is asked for, is one
   * event. Raises what the log, the objects and `sampling` raise.
   */
  async store(record: Record): Promise<void> {
    const { index, timestamp, seen, rawData } = record;
    const { deploymentVersion } = this;
    const data = {
      ...{ index, timestamp, ...(deploymentVersion === undefined ? {} : { deploymentVersion }) },
      ...{ result: seen.result, timing: seen.timing },
      ...(rawData === undefined ? {} : { rawData: await this.kept(rawData, record) }),
    };
    await this.parts.events.append({
      name: "InferenceRecord",
      identity: `inference/${index}/${timestamp}`,
      occurredAt: this.timeOf(timestamp),
      data: Buffer.from(JSON.stringify(data)),
    });
  }

  /** What is too large for an event is a sample, found again by its content where it was sent before. */
  private async kept({ type, base64, bytes }: RawData, record: Record): Promise<object> {
    if (base64.length <= limits.inferenceRawData) return { type, bufferBase64: base64 };
    const { namespace, device } = this.session;
    const sha256 = createHash("sha256").update(bytes).digest();
    const filter = { category: CATEGORY, device, sha256 };
    const { samples } = await this.parts.sampling.listSamples({ namespace, filter, limit: 1 });
    const known = samples[0] ?? (await this.put({ type, base64, bytes }, record));
    return { type, bytes: bytes.length, sample: known.id, sampleNumber: Number(known.number) };
  }

  private async put({ type, bytes }: RawData, { index, timestamp }: Record) {
    const { namespace, device, hello } = this.session;
    const upload = await this.parts.samples.begin(namespace, device);
    try {
      await upload.put(only(bytes));
    } catch (error) {
      await upload.discard();
      throw error;
    }
    const about = {
      ...{ device, category: CATEGORY, fileName: `inference-${index}.${type}`, enabled: true },
      ...{ deviceType: hello.deviceType, uploadSource: "inference" },
      metadata: { index: String(index), timestamp: String(timestamp) },
    };
    const mediaType = MEDIA_TYPES[type] ?? "application/octet-stream";
    const { sample } = await upload.storeSample(about, { mediaType, decidedBy: `device:${device}` });
    if (sample === undefined) throw new Error("sampling stored a sample and did not say which");
    return sample;
  }

  private timeOf(timestamp: number): number {
    const now = this.parts.now();
    return timestamp >= FIRST_MS && timestamp <= now + DAY_MS ? Math.round(timestamp) : now;
  }
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}

function versionIn(inferenceInfo: string | undefined): unknown {
  const { deploymentVersion } = JSON.parse(inferenceInfo ?? "{}") as { deploymentVersion?: unknown };
  return typeof deploymentVersion === "number" ? deploymentVersion : undefined;
}
