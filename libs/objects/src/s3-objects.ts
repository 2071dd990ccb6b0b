import { S3mini, S3ServiceError } from "s3mini";
import { inChunks } from "./chunks.js";
import { Measured } from "./measured.js";
import {
  NoSuchObject,
  type ObjectStore,
  ObjectsUnavailable,
  type PutObject,
  type Range,
} from "./object-store.js";
import { patientFetch, steadily } from "./patience.js";
import { nameOfS3Key, s3KeyOf } from "./s3-key.js";

export interface S3ObjectsOptions {
  /** http(s) URL of the service. Buckets are addressed by path, which every S3-compatible service knows. */
  readonly endpoint: string;
  /** Must exist. */
  readonly bucket: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Whether others are sent to the service itself: `links` is there. Default: no. */
  readonly direct?: boolean;
  /** Milliseconds that one request may take until its answer begins; there are three tries. Default: 20 s. */
  readonly answerMs?: number;
}

/** What a link to an object says to whoever follows it. */
export interface LinkOptions {
  readonly seconds: number;
  readonly mediaType: string;
  /** The name under which it is saved; letters, digits, `.`, `_` and `-`. */
  readonly fileName: string;
}

/** Bytes of a request: an object of more is put in several. It is what S3 takes at least. */
const PART_BYTES = 5 * 1024 * 1024;
const ANSWER_MS = 20_000;
const LISTED = 1000;
const BINARY = "application/octet-stream";

/** Objects in one bucket of a service that speaks S3. */
export class S3Objects implements ObjectStore {
  readonly kind = "s3";
  readonly links: this | undefined;
  private readonly bucket: S3mini;

  constructor(options: S3ObjectsOptions) {
    this.links = options.direct ? this : undefined;
    this.bucket = new S3mini({
      endpoint: `${options.endpoint.replace(/\/+$/, "")}/${options.bucket}`,
      region: options.region,
      accessKeyId: options.accessKey,
      secretAccessKey: options.secretKey,
      fetch: patientFetch(options.answerMs ?? ANSWER_MS),
    });
  }

  async put(name: string, content: AsyncIterable<Uint8Array>): Promise<PutObject> {
    const key = s3KeyOf(name);
    const measured = new Measured(content);
    const parts = inChunks(measured, PART_BYTES);
    try {
      const { value: first } = (await parts.next()) as IteratorYieldResult<Uint8Array>;
      if (first.length < PART_BYTES) await this.putWhole(key, first);
      else await this.putInParts(key, first, parts);
    } catch (error) {
      throw measured.failure ?? unavailable(error);
    } finally {
      await parts.return().catch(() => undefined);
    }
    return measured.result();
  }

  async *get(name: string, range?: Range): AsyncIterable<Uint8Array> {
    const response = await this.ask(name, range);
    try {
      if (response?.body) yield* steadily(response.body);
    } catch (error) {
      throw unavailable(error);
    }
  }

  async delete(name: string): Promise<void> {
    await this.bucket.deleteObject(s3KeyOf(name)).catch(raiseUnavailable);
  }

  async deleteAll(prefix: string): Promise<number> {
    let count = 0;
    for await (const page of this.pages(s3KeyOf(prefix))) {
      const own = page.map(({ Key }) => Key);
      const deleted = await this.bucket.deleteObjects(own).catch(raiseUnavailable);
      if (!deleted.every(Boolean)) throw new ObjectsUnavailable("some objects were not removed");
      count += own.length;
    }
    return count;
  }

  async *list(prefix: string, before = Number.POSITIVE_INFINITY): AsyncIterable<string> {
    for await (const page of this.pages(s3KeyOf(prefix))) {
      const isOlder = (at: Date | string) =>
        before === Number.POSITIVE_INFINITY || new Date(at).getTime() < before;
      const own = page.filter(({ LastModified: at }) => isOlder(at));
      yield* own.map(({ Key }) => nameOfS3Key(Key));
    }
  }

  /** A URL from which anybody can GET the object, as it is stored, for so many seconds. Asks nobody. */
  async link(name: string, { seconds, mediaType, fileName }: LinkOptions): Promise<string> {
    if (!/^[\w.-]+$/.test(fileName)) throw new TypeError(`not a name of a file: ${fileName}`);
    return await this.bucket.getPresignedUrl("GET", s3KeyOf(name), seconds, {
      "response-content-type": mediaType,
      "response-content-disposition": `attachment; filename="${fileName}"`,
    });
  }

  private async *pages(prefix: string): AsyncGenerator<{ Key: string; LastModified: Date | string }[], void> {
    let next: string | undefined;
    do {
      const page = await this.bucket.listObjectsPaged("/", prefix, LISTED, next).catch(raiseUnavailable);
      if (!page?.objects) throw new ObjectsUnavailable("there is no such bucket");
      next = page.nextContinuationToken;
      if (page.objects.length > 0) yield page.objects;
    } while (next !== undefined);
  }

  /** undefined: nothing of the range is in the object. */
  private async ask(name: string, range?: Range): Promise<Response | undefined> {
    const key = s3KeyOf(name);
    const { from, to } = range ?? { from: 0, to: Number.POSITIVE_INFINITY };
    const whole = from === 0 && !Number.isFinite(to);
    try {
      if (from < to) {
        return await this.bucket.getObjectRaw(key, whole, from, Number.isFinite(to) ? to : undefined);
      }
      if (await this.bucket.objectExists(key)) return undefined;
    } catch (error) {
      if (error instanceof S3ServiceError && error.status === 416) return undefined;
      if (!isMissing(error)) throw unavailable(error);
    }
    throw new NoSuchObject(name);
  }

  private async putWhole(key: string, content: Uint8Array): Promise<void> {
    await this.bucket.putObject(key, content, BINARY);
  }

  /** In parts, so that no more than one is held; nothing is there before the last step. */
  private async putInParts(key: string, first: Uint8Array, rest: AsyncGenerator<Uint8Array>): Promise<void> {
    const upload = await this.bucket.getMultipartUploadId(key, BINARY);
    try {
      const put = [await this.bucket.uploadPart(key, upload, first, 1)];
      for await (const part of rest) {
        if (part.length === 0) break;
        put.push(await this.bucket.uploadPart(key, upload, part, put.length + 1));
      }
      const { etag } = await this.bucket.completeMultipartUpload(key, upload, put);
      // S3 may say that it failed in an answer that begins with 200.
      if (!etag) throw new ObjectsUnavailable("the storage did not put the parts together");
    } catch (error) {
      await this.bucket.abortMultipartUpload(key, upload).catch(() => undefined);
      throw error;
    }
  }
}

/** A missing bucket is a fault of the storage, not of the name. */
function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceError && error.status === 404 && error.serviceCode !== "NoSuchBucket";
}

function raiseUnavailable(error: unknown): never {
  throw unavailable(error);
}

/** What the client raises has the service's answer in it, which is for nobody's eyes; its message has not. */
function unavailable(error: unknown): Error {
  if (error instanceof NoSuchObject || error instanceof ObjectsUnavailable) return error;
  const { message, code } = error as Error & { code?: string };
  return new ObjectsUnavailable(code ? `${message} (${code})` : message);
}
