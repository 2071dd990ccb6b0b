import { createHash } from "node:crypto";
import { INSTALLATION, limits } from "@fieldlog/contracts";
import { type EventLog, RecordBucket, type StoredRecord } from "@fieldlog/event-log";
import { z } from "zod";

const PROGRESS_BUCKET = "UPLOAD_PROGRESS";
/** For that long after the URL has expired it is told that the upload is done. */
const KEPT_MS = 60 * 60_000;

const part = z.object({ object: z.string(), bytes: z.number() });
const record = z.object({
  /** Bytes of the whole; undefined: the sender has not said. */
  length: z.number().optional(),
  /** What has arrived, in order. */
  parts: z.array(part),
  /** The object that is being written; whoever goes on removes it. */
  writing: z.string().optional(),
  mediaType: z.string(),
  /** The upload has ended well. */
  done: z.boolean(),
});
export type Progress = z.output<typeof record>;
export type KnownProgress = StoredRecord<Progress>;

/**
 * How far resumable uploads are, in a key-value bucket: any edge can go on, and of two that do one learns of the other.
 * By the hash of the URL's token, so that who reads the bucket cannot use it. Methods raise LogUnavailable.
 */
export class ProgressRecords {
  private constructor(private readonly bucket: RecordBucket<Progress>) {}

  static async open(connection: EventLog["connection"], replicas: number): Promise<ProgressRecords> {
    const bucket = await RecordBucket.open<Progress>(connection, {
      ...{ name: PROGRESS_BUCKET, replicas, ttlMs: limits.uploadMs + KEPT_MS },
      encode: (progress) => Buffer.from(JSON.stringify(progress)),
      decode: (data) => record.parse(JSON.parse(Buffer.from(data).toString("utf8"))),
    });
    return new ProgressRecords(bucket);
  }

  find(token: string): Promise<KnownProgress | undefined> {
    return this.bucket.get(keyOf(token));
  }

  /** Returns it as it stands then. Raises RecordConflict: somebody else has written since `revision`; 0: there is none. */
  async write(token: string, progress: Progress, revision: number): Promise<KnownProgress> {
    const key = keyOf(token);
    return { ...key, record: progress, revision: await this.bucket.write(key, progress, revision) };
  }
}

function keyOf(token: string) {
  return { namespace: INSTALLATION, id: createHash("sha256").update(token).digest("hex") };
}
