import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { registry, sampling } from "@fieldlog/contracts";
import { bytesIn, encrypted, type Objects, type Part, partName, Stretches } from "@fieldlog/objects";
import { type RpcClient, RpcError } from "@fieldlog/rpc";

export type SamplingClient = Pick<
  RpcClient<typeof sampling.SamplingService>,
  "getSampleKey" | "storeSample" | "storeModel"
>;

export interface UploadParts {
  readonly sampling: SamplingClient;
  readonly objects: Objects;
  /** Bytes of one object. */
  readonly partBytes: number;
}

/** What is about to be stored, and with whose key. */
export interface Whose {
  /** Namespace id. */
  readonly namespace: string;
  /** UUID. */
  readonly id: string;
  /** The device whose key encrypts it; empty: the namespace's. */
  readonly key: string;
  /** What its objects' names begin with. */
  readonly folder: string;
}

/** One file of a sample as it was put. */
export interface PutFile {
  readonly bytes: number;
}

/** What is known of a sample besides its content. Default: enabled. */
export type About = Omit<
  MessageInitShape<typeof registry.SampleStoredSchema>,
  "stored" | "key" | "$typeName" | "$unknown"
>;

export interface StoreOptions {
  /** Of what is stored. */
  readonly mediaType: string;
  readonly decidedBy: string;
  /** There may be no other of the same content. Default: there may. */
  readonly unique?: boolean;
  /** That its document names; default: none. */
  readonly documentDevice?: string;
}

/** Times that the end is told while `sampling` does not answer: all of it has arrived, and is not to be lost. */
const ATTEMPTS = 3;

/**
 * A sample or a model on its way into the objects. Either `storeSample` or `storeModel` ends it, or `discard`; what is left
 * when its process is killed in between belongs to nothing, and goes with the namespace.
 */
export class SampleUpload {
  private readonly objects: Part[] = [];
  private readonly sha256 = createHash("sha256");

  constructor(
    private readonly parts: UploadParts,
    private readonly whose: Whose,
    private readonly dataKey: Uint8Array,
  ) {}

  get id(): string {
    return this.whose.id;
  }

  /** Adds a file behind those before it. Raises what `content` raises, and ObjectsUnavailable. */
  async put(content: AsyncIterable<Uint8Array>): Promise<PutFile> {
    const store = encrypted(this.parts.objects, this.dataKey);
    const before = bytesIn(this.objects);
    const stretches = new Stretches(this.hashed(content), this.parts.partBytes);
    try {
      while (await stretches.more()) {
        const object = partName(this.whose.folder, bytesIn(this.objects), false);
        const { bytes } = await store.put(object, stretches.next());
        this.objects.push({ object, bytes });
      }
    } finally {
      await stretches.end();
    }
    return { bytes: bytesIn(this.objects) - before };
  }

  /**
   * Everything was put. Raises RpcError, after what was put is gone where it is refused for good: `already_exists`,
   * `failed_precondition` (its device was erased), `resource_exhausted`, `invalid_argument` with the detail `field`.
   */
  storeSample(about: About, options: StoreOptions): Promise<sampling.StoreSampleResponse> {
    const { namespace, id, key } = this.whose;
    const { unique = false, documentDevice = "", decidedBy } = options;
    const sample = { enabled: true, ...about, key, stored: this.stored(options.mediaType) };
    return this.end(() =>
      this.parts.sampling.storeSample({ namespace, id, sample, unique, documentDevice, decidedBy }),
    );
  }

  /** The same of a model, which gets the next version. */
  storeModel(name: string, { mediaType, decidedBy }: StoreOptions): Promise<sampling.StoreModelResponse> {
    const { namespace } = this.whose;
    const model = { name, mediaType, stored: this.stored(mediaType) };
    return this.end(() => this.parts.sampling.storeModel({ namespace, model, decidedBy }));
  }

  /** Nothing of it is wanted. What the storage does not remove now is left behind. */
  async discard(): Promise<void> {
    const objects = this.objects.splice(0);
    await Promise.all(objects.map(({ object }) => this.parts.objects.delete(object).catch(() => undefined)));
  }

  private async *hashed(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of content) {
      this.sha256.update(chunk);
      yield chunk;
    }
  }

  private stored(mediaType: string): MessageInitShape<typeof registry.UploadStoredSchema> {
    return {
      ...{ mediaType, store: this.parts.objects.kind, bytes: BigInt(bytesIn(this.objects)) },
      sha256: this.sha256.copy().digest(),
      objects: this.objects.map(({ object }) => object),
      objectBytes: this.objects.map(({ bytes }) => BigInt(bytes)),
    };
  }

  private async end<T>(tell: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        // Told twice, it is answered as the first time.
        return await tell();
      } catch (error) {
        if (isAway(error) && attempt < ATTEMPTS) continue;
        // While nobody knows whether it was stored, its bytes stay.
        if (error instanceof RpcError && !isAway(error)) await this.discard();
        throw error;
      }
    }
  }
}

function isAway(error: unknown): boolean {
  return error instanceof RpcError && ["unavailable", "deadline_exceeded", "aborted"].includes(error.code);
}
