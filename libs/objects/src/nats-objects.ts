import { hash } from "node:crypto";
import { objectsBucket } from "@fieldlog/contracts";
import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager, jetstream } from "@nats-io/jetstream";
import { type ObjectStore as Bucket, Objm, StorageType } from "@nats-io/obj";
import type { NatsConnection } from "@nats-io/transport-node";
import { Measured } from "./measured.js";
import { chunksOf } from "./nats-chunks.js";
import {
  NoSuchObject,
  namespaceOfName,
  type ObjectStore,
  ObjectsUnavailable,
  type PutObject,
  type Range,
} from "./object-store.js";

export interface NatsObjectsOptions {
  /** Copies that NATS keeps. */
  readonly replicas: number;
  /** Bytes of one namespace's objects at which it takes no more; -1: no limit. */
  readonly maxBytes: number;
}

const NOT_FOUND = "object store not found";

/** Objects in JetStream: an object store for each namespace, made with its first object. */
export class NatsObjects implements ObjectStore {
  readonly kind = "nats";
  private readonly manager: Objm;
  private readonly jsm: Promise<JetStreamManager>;
  private readonly buckets = new Map<string, Promise<Bucket>>();

  constructor(
    connection: NatsConnection,
    private readonly options: NatsObjectsOptions,
  ) {
    const js = jetstream(connection);
    this.manager = new Objm(js);
    this.jsm = js.jetstreamManager(false);
  }

  async put(name: string, content: AsyncIterable<Uint8Array>): Promise<PutObject> {
    const measured = new Measured(content);
    const stream = ReadableStream.from(measured) as ReadableStream<Uint8Array>;
    await this.reach(name, async (bucket) => {
      await bucket.put({ name: keyOf(name), metadata: { name } }, stream);
    }).catch((error) => {
      // Who sends broke off: that is no failure of the storage.
      throw measured.failure ?? error;
    });
    return measured.result();
  }

  async *get(name: string, range?: Range): AsyncIterable<Uint8Array> {
    const info = await this.reach(name, (bucket) => bucket.info(keyOf(name)), false);
    if (!info || info.deleted) throw new NoSuchObject(name);
    const { from, to } = range ?? { from: 0, to: Number.POSITIVE_INFINITY };
    let at = 0;
    try {
      for await (const piece of chunksOf(await this.jsm, info)) {
        const part = piece.subarray(Math.max(0, from - at), Math.max(0, to - at));
        at += piece.length;
        if (part.length > 0) yield part;
        if (at >= to) return;
      }
    } catch (error) {
      throw unavailable(error);
    }
  }

  async delete(name: string): Promise<void> {
    await this.reach(
      name,
      async (bucket) => {
        const key = keyOf(name);
        if (await bucket.info(key)) await bucket.delete(key);
      },
      false,
    );
  }

  async deleteAll(prefix: string): Promise<number> {
    let count = 0;
    for await (const name of this.list(prefix)) {
      await this.delete(name);
      count++;
    }
    return count;
  }

  async *list(prefix: string, before = Number.POSITIVE_INFINITY): AsyncIterable<string> {
    const objects = await this.reach(prefix, (bucket) => bucket.list(), false);
    for (const { deleted, metadata, mtime } of objects ?? []) {
      const name = metadata?.["name"];
      if (!deleted && name?.startsWith(prefix) && Date.parse(mtime) < before) yield name;
    }
  }

  /** @param makes whether the bucket is made where there is none; if not, there is nothing to be done: undefined */
  private async reach<T>(
    name: string,
    work: (bucket: Bucket) => Promise<T>,
    makes = true,
  ): Promise<T | undefined> {
    const namespace = namespaceOfName(name);
    try {
      const bucket = await this.bucket(namespace, makes);
      return await work(bucket);
    } catch (error) {
      // It may have been removed meanwhile.
      this.buckets.delete(namespace);
      if (!makes && isMissing(error)) return undefined;
      throw unavailable(error);
    }
  }

  private bucket(namespace: string, makes: boolean): Promise<Bucket> {
    const known = this.buckets.get(namespace);
    if (known) return known;
    const { replicas, maxBytes } = this.options;
    const name = objectsBucket(namespace);
    const opened = makes
      ? this.manager.create(name, { storage: StorageType.File, replicas, max_bytes: maxBytes })
      : this.manager.open(name);
    this.buckets.set(namespace, opened);
    return opened;
  }
}

/** In the store itself an object's name is part of a subject, whose length is bounded. */
function keyOf(name: string): string {
  return hash("sha256", name);
}

function isMissing(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.code === JetStreamApiCodes.StreamNotFound;
  // The client's own error for it is a plain one.
  return error instanceof Error && (error.name === "StreamNotFoundError" || error.message === NOT_FOUND);
}

function unavailable(error: unknown): Error {
  if (error instanceof NoSuchObject || error instanceof ObjectsUnavailable) return error;
  return new ObjectsUnavailable((error as Error).message, { cause: error });
}
