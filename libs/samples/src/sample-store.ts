import { randomUUID } from "node:crypto";
import type { registry } from "@fieldlog/contracts";
import { contentOf, encrypted, type Objects, type Part, type Range } from "@fieldlog/objects";
import { SampleUpload, type UploadParts } from "./sample-upload.js";

/** Where samples and models are kept: what edges put into it and read from it. */
export class SampleStore {
  constructor(private readonly parts: UploadParts) {}

  /**
   * A sample is about to come. Raises RpcError; `failed_precondition`: the device was erased.
   *
   * @param device whose key encrypts it: one that is registered; empty: the namespace's key does
   */
  begin(namespace: string, device: string): Promise<SampleUpload> {
    return this.beginIn(namespace, device, "~samples");
  }

  /** A model is about to come. Raises RpcError. */
  beginModel(namespace: string): Promise<SampleUpload> {
    return this.beginIn(namespace, "", "~models");
  }

  /** The bytes of what was stored, or a range of them; @param key as `sampling` gave it with the sample or model */
  content(stored: registry.UploadStored, key: Uint8Array, range?: Range): AsyncIterable<Uint8Array> {
    return storedContent(this.parts.objects, stored, key, range);
  }

  private async beginIn(namespace: string, device: string, folder: string): Promise<SampleUpload> {
    const { key: dataKey } = await this.parts.sampling.getSampleKey({ namespace, device });
    const id = randomUUID();
    const whose = { namespace, id, key: device, folder: `${namespace}/${folder}/${id}/` };
    return new SampleUpload(this.parts, whose, dataKey);
  }
}

/** Raises ObjectsUnavailable, NoSuchObject, CannotDecrypt, the latter two before the first byte. */
export function storedContent(
  objects: Pick<Objects, "get" | "put" | "list" | "delete" | "deleteAll">,
  stored: registry.UploadStored,
  key: Uint8Array,
  range: Range = { from: 0, to: Number(stored.bytes) },
): AsyncIterable<Uint8Array> {
  return contentOf(encrypted(objects, key), partsOf(stored), range);
}

function partsOf({ objects, objectBytes }: registry.UploadStored): Part[] {
  return objects.map((object, index) => ({ object, bytes: Number(objectBytes[index] ?? 0n) }));
}
