import { createHash } from "node:crypto";
import type { OwnWrites } from "@fieldlog/admission";
import { type offers, REGISTRY, token as tokenIn } from "@fieldlog/contracts";
import {
  bytesIn,
  contentOf,
  encrypted,
  type ObjectStore,
  type Objects,
  type Part,
  partName,
  Stretches,
} from "@fieldlog/objects";
import { type RpcClient, RpcError } from "@fieldlog/rpc";
import { disabled, Problem } from "../native/problem.js";

export interface UploadsParts {
  readonly offers: Pick<
    RpcClient<typeof offers.OffersService>,
    "openUpload" | "startUpload" | "finishUpload" | "failUpload"
  >;
  readonly objects: Objects;
  readonly ownWrites: OwnWrites;
  /** Bytes of one object. */
  readonly partBytes: number;
  /** Whether everything of the namespace's devices is refused. Default: of none. */
  readonly isDisabled?: (namespace: string) => Promise<boolean>;
}

/** An upload that has begun. */
export interface Started {
  readonly token: string;
  readonly upload: offers.Upload;
  /** Encrypts with the device's key, unless the storage is to give the objects away itself. */
  readonly store: ObjectStore;
}

/** What became of it. */
export interface Finished {
  readonly number: number;
  readonly bytes: number;
  readonly sha256: Uint8Array;
  /** In REGISTRY. */
  readonly sequence: number;
}

const USED = "This upload URL was used already.";

/** It was, and what was sent is kept. */
export class StoredBefore extends Problem {
  constructor() {
    super(409, USED);
  }
}

/** Times that the end of an upload is told while `offers` does not answer: all of it has arrived, and is not to be lost. */
const FINISH_ATTEMPTS = 3;

/**
 * What an upload URL's bearer does, whichever way the bytes come. Raises Problem 404, 409 (StoredBefore), 410, 423;
 * RpcError, ObjectsUnavailable.
 */
export class Uploads {
  constructor(private readonly parts: UploadsParts) {}

  async open(token: string): Promise<offers.Upload> {
    const { upload } = await told(this.parts.offers.openUpload({ token }));
    if (upload === undefined) throw new Error("offers opened an upload and did not say which");
    if (await this.parts.isDisabled?.(upload.namespace)) throw disabled();
    return upload;
  }

  /** @param resume whether what was begun may be gone on with; if not, of all that begin one does */
  async start(token: string, resume: boolean): Promise<Started> {
    const { upload, dataKey } = await told(this.parts.offers.startUpload({ token, resume }));
    if (upload === undefined) throw new Error("offers started an upload and did not say which");
    if (await this.parts.isDisabled?.(upload.namespace)) throw disabled();
    return { token, upload, store: encrypted(this.parts.objects, dataKey) };
  }

  /** Takes all of the content in at once; what breaks off on the way has failed, and its URL is used up. */
  async take(started: Started, content: AsyncIterable<Uint8Array>, mediaType: string): Promise<Finished> {
    const sha256 = createHash("sha256");
    const parts: Part[] = [];
    try {
      for await (const part of this.stored(started, hashed(content, sha256), 0)) parts.push(part);
      if (parts.length === 0) throw new Problem(400, "There is nothing in this upload.");
    } catch (error) {
      // What cannot be removed now is when the upload's time is over.
      const removed = await this.remove(parts).catch(() => false);
      if (removed) await this.fail(started.token, (error as Error).message);
      throw error;
    }
    return await this.finish(started, parts, mediaType, sha256.digest());
  }

  /** Stores content behind `offset`, an object at a time, each told once it is durable. */
  async *stored(
    { store, upload }: Pick<Started, "store" | "upload">,
    content: AsyncIterable<Uint8Array>,
    offset: number,
    begins: (object: string) => Promise<void> = async () => undefined,
  ): AsyncGenerator<Part, void> {
    const stretches = new Stretches(content, this.parts.partBytes);
    let at = offset;
    try {
      while (await stretches.more()) {
        const object = partName(folderOf(upload), at, this.parts.objects.links !== undefined);
        await begins(object);
        const { bytes } = await store.put(object, stretches.next());
        at += bytes;
        yield { object, bytes };
      }
    } finally {
      await stretches.end();
    }
  }

  /** All of it is stored. @param sha256 of it all; undefined: it is read again */
  async finish(
    { token, upload, store }: Started,
    parts: readonly Part[],
    mediaType: string,
    sha256?: Uint8Array,
  ): Promise<Finished> {
    const bytes = bytesIn(parts);
    const digest = sha256 ?? (await digestOf(contentOf(store, parts, { from: 0, to: bytes })));
    const stored = {
      ...{ bytes: BigInt(bytes), sha256: digest, mediaType, store: this.parts.objects.kind },
      objects: parts.map(({ object }) => object),
      objectBytes: parts.map((part) => BigInt(part.bytes)),
    };
    const answer = await this.finished(token, stored).catch(async (error: unknown) => {
      // It is refused for good, so the parts belong to nothing.
      if (error instanceof Problem) await this.remove(parts).catch(() => false);
      throw error;
    });
    const sequence = Number(answer.sequence);
    this.parts.ownWrites.note(upload.namespace, REGISTRY, sequence);
    return { number: Number(answer.number), bytes, sha256: digest, sequence };
  }

  /** It did not arrive whole. If that cannot be told, it ends when its time is over. */
  async fail(token: string, reason: string): Promise<void> {
    await this.parts.offers.failUpload({ token, reason }).catch(() => undefined);
  }

  private async remove(parts: readonly Part[]): Promise<true> {
    await Promise.all(parts.map(({ object }) => this.parts.objects.delete(object)));
    return true;
  }

  private async finished(
    token: string,
    stored: Parameters<UploadsParts["offers"]["finishUpload"]>[0]["stored"] & object,
  ): Promise<offers.FinishUploadResponse> {
    for (let attempt = 1; ; attempt++) {
      try {
        // Asked twice, it is answered as the first time.
        return await told(this.parts.offers.finishUpload({ token, stored }));
      } catch (error) {
        if (!isAway(error) || attempt === FINISH_ATTEMPTS) throw error;
      }
    }
  }
}

/** What an upload's objects' names begin with. */
function folderOf({ namespace, device, id }: offers.Upload): string {
  return `${namespace}/${tokenIn(device)}/${id}/`;
}

async function* hashed(
  content: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
}

async function digestOf(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of content) hash.update(chunk);
  return hash.digest();
}

function isAway(error: unknown): boolean {
  return error instanceof RpcError && ["unavailable", "deadline_exceeded", "aborted"].includes(error.code);
}

/** A refusal of offers as who has the URL is told it. Raises Problem, and RpcError as it is. */
async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    if (error.code === "not_found") throw new Problem(404, "There is no such upload.");
    if (error.code !== "failed_precondition") throw error;
    switch (error.details["reason"]) {
      case "expired":
        throw new Problem(410, "The time of this upload URL is over. Offer the data again.");
      case "erased":
        throw new Problem(410, "The device of this upload URL was erased.");
      case "stored":
        throw new StoredBefore();
      default:
        throw new Problem(409, USED);
    }
  }
}
