import type { NatsObjects } from "./nats-objects.js";
import { NoSuchObject, type ObjectStore, type PutObject, type Range } from "./object-store.js";
import type { Links, Objects } from "./objects.js";

/** Objects in S3 of an installation that kept them in NATS before: those stay where they are until they are removed. */
export class S3BesideNats implements Objects {
  readonly kind = "s3";
  readonly links: Links | undefined;

  constructor(
    private readonly s3: ObjectStore & { readonly links?: Links | undefined },
    private readonly nats: Pick<NatsObjects, keyof ObjectStore | "tidy">,
  ) {
    this.links = s3.links;
  }

  async put(name: string, content: AsyncIterable<Uint8Array>): Promise<PutObject> {
    const put = await this.s3.put(name, content);
    await this.nats.delete(name);
    return put;
  }

  async *get(name: string, range?: Range): AsyncIterable<Uint8Array> {
    try {
      yield* this.s3.get(name, range);
    } catch (error) {
      if (!(error instanceof NoSuchObject)) throw error;
      yield* this.nats.get(name, range);
    }
  }

  async delete(name: string): Promise<void> {
    await this.s3.delete(name);
    await this.nats.delete(name);
  }

  async *list(prefix: string, before?: number): AsyncIterable<string> {
    yield* this.s3.list(prefix, before);
    yield* this.nats.list(prefix, before);
  }

  async deleteAll(prefix: string): Promise<number> {
    return (await this.s3.deleteAll(prefix)) + (await this.nats.deleteAll(prefix));
  }

  tidy(before: number, signal?: AbortSignal): Promise<number> {
    return this.nats.tidy(before, signal);
  }
}
