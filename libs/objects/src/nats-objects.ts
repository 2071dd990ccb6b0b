import { hash } from "node:crypto";
import { objectsBucket } from "@fieldlog/contracts";
import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager, jetstream } from "@nats-io/jetstream";
import { type ObjectStore as Bucket, Objm, StorageType } from "@nats-io/obj";
import type { NatsConnection } from "@nats-io/transport-node";
import { Measured } from "./measured.js";
import { chunksOf } from "./nats-chunks.js";
import { removeLeftovers } from "./nats-leftovers.js";
import { type Meta, metasOf } from "./nats-metas.js";
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
/** What the names of the buckets' streams begin with. */
const STREAMS = "OBJ_READINGS_";

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
    const bucket = objectsBucket(namespaceOfName(prefix));
    const metas: Meta[] = [];
    const all = async () => {
      for await (const meta of metasOf(await this.jsm, bucket)) metas.push(meta);
    };
    await this.reach(prefix, all, false);
    for (const { info, storedAt } of metas) {
      const name = info.metadata?.["name"];
      if (!info.deleted && name?.startsWith(prefix) && storedAt < before) yield name;
    }
  }

  /**
   * Brings the copies and the limit of all namespaces up to date, and removes what was left there before then, ms since
   * 1970 UTC, that nobody can read. Returns how much. Raises ObjectsUnavailable, once it was tried of each.
   */
  async tidy(before: number, signal?: AbortSignal): Promise<number> {
    let removed = 0;
    let failure: unknown;
    try {
      const jsm = await this.jsm;
      for await (const stream of jsm.streams.names()) {
        if (signal?.aborted) break;
        if (!stream.startsWith(STREAMS)) continue;
        try {
          await this.settle(stream);
          removed += await removeLeftovers(jsm, stream.slice("OBJ_".length), before, signal);
        } catch (error) {
          failure = error;
        }
      }
    } catch (error) {
      failure = error;
    }
    if (failure !== undefined) throw unavailable(failure);
    return removed;
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
    const opening = makes
      ? this.manager.create(name, { storage: StorageType.File, replicas, max_bytes: maxBytes })
      : this.manager.open(name);
    const opened = opening.then(async (bucket) => {
      // What is there can be used as it is.
      await this.settle(`OBJ_${name}`).catch(() => undefined);
      return bucket;
    });
    this.buckets.set(namespace, opened);
    return opened;
  }

  /** The settings may have changed since the bucket was made. */
  private async settle(stream: string): Promise<void> {
    const { replicas: num_replicas, maxBytes: max_bytes } = this.options;
    const { streams } = await this.jsm;
    const { config } = await streams.info(stream);
    if (config.num_replicas === num_replicas && config.max_bytes === max_bytes) return;
    await streams.update(stream, { num_replicas, max_bytes });
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
