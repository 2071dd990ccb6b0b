import { type DataKeys, DeviceErased } from "@fieldlog/data-keys";
import { CannotDecrypt, encrypted, NoSuchObject, type ObjectStore } from "@fieldlog/objects";
import type { Content } from "./content.js";
import { ContentGone } from "./refusals.js";

/** Whether what is to be stored can be read: a decision never tells of bytes that are not there. */
export class Presence {
  constructor(
    private readonly keys: Pick<DataKeys, "find">,
    private readonly objects: ObjectStore,
  ) {}

  /**
   * Reads the first byte. Refuses ContentGone: the namespace was cleared since it was put; DeviceErased. Raises
   * ObjectsUnavailable, LogUnavailable.
   *
   * @param device whose key encrypts it
   */
  async check(namespace: string, device: string, { objects }: Content): Promise<void> {
    const key = await this.keys.find(namespace, device);
    if (key === undefined) throw device === "" ? new ContentGone() : new DeviceErased();
    const [first] = objects;
    if (first === undefined) return;
    try {
      for await (const _ of encrypted(this.objects, key).get(first, { from: 0, to: 1 })) break;
    } catch (error) {
      throw error instanceof NoSuchObject || error instanceof CannotDecrypt ? new ContentGone() : error;
    }
  }
}
