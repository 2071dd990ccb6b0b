import type { MessageInitShape } from "@bufbuild/protobuf";
import type { registry } from "@fieldlog/contracts";

/** Where the bytes of a sample or of a model are. */
export interface Content {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly mediaType: string;
  readonly store: string;
  readonly objects: readonly string[];
  readonly objectBytes: readonly number[];
}

export function contentOf(stored: registry.UploadStored | undefined): Content {
  if (stored === undefined) throw new TypeError("the decision says not what was stored");
  const { bytes, sha256, mediaType, store, objects, objectBytes } = stored;
  return {
    ...{ bytes: Number(bytes), sha256: Buffer.from(sha256).toString("hex"), mediaType, store },
    ...{ objects: [...objects], objectBytes: objectBytes.map(Number) },
  };
}

export function storedOf(content: Content): MessageInitShape<typeof registry.UploadStoredSchema> {
  const { bytes, sha256, mediaType, store, objects, objectBytes } = content;
  return {
    ...{ bytes: BigInt(bytes), sha256: Buffer.from(sha256, "hex"), mediaType, store },
    ...{ objects: [...objects], objectBytes: objectBytes.map(BigInt) },
  };
}
