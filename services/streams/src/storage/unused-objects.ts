import { setTimeout as delay } from "node:timers/promises";
import { limits, shardOf, untoken } from "@fieldlog/contracts";
import type { DataKeys } from "@fieldlog/data-keys";
import { inPages, type ObjectStore } from "@fieldlog/objects";
import { LeasedWork } from "@fieldlog/read-model";
import type { Logger } from "@fieldlog/runtime";
import type { Rows } from "../rows.js";
import { SCHEMA } from "../sorting/tables.js";
import { packsOf, positionsOf } from "./names.js";

/** Milliseconds between two looks: each lists all that is stored of each namespace whose devices have keys. */
const SWEEP_MS = 6 * 60 * 60_000;
/** Packs that are looked for in the tables at once. */
const PACKS = 100;

/** The tables in which stands what is used. */
export interface UsedBy {
  readonly rows: Pick<Rows, "usesUpload" | "usedPacks">;
  /** Whether the tables have all messages that are in the log now, and none is set aside. */
  readonly upToDate: () => Promise<boolean>;
}

export interface UnusedObjectsParts {
  readonly objects: Pick<ObjectStore, "list" | "delete">;
  readonly keys: Pick<DataKeys, "namespaces">;
  /** Of each shard: in another's tables nothing of a namespace is used. */
  readonly shards: readonly UsedBy[];
  readonly logger: Pick<Logger, "info" | "warn">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
  /** postgres://… */
  readonly url: string;
}

/**
 * Removes what devices uploaded and sent no message of, and packs to which no row points: those of devices that were
 * erased, and what was stored once more after a crash or a rebuild. One replica at a time.
 */
export class UnusedObjects {
  private readonly leased: LeasedWork;

  constructor(private readonly parts: UnusedObjectsParts) {
    const { url, logger } = parts;
    this.leased = new LeasedWork({ url, schema: SCHEMA, name: "unused-objects", logger }, async (held) => {
      while (!held.aborted) {
        await delay(SWEEP_MS, undefined, { signal: held }).catch(() => undefined);
        if (held.aborted) return;
        await this.once().catch((err: unknown) => logger.warn({ err }, "what nobody uses stays until later"));
      }
    });
  }

  start(): void {
    this.leased.start();
  }

  stop(): Promise<void> {
    return this.leased.stop();
  }

  /** Returns how many objects were removed. Raises ObjectsUnavailable, LogUnavailable, SnapshotsUnavailable. */
  async once(): Promise<number> {
    const { keys, now, shards } = this.parts;
    let removed = 0;
    for (const namespace of await keys.namespaces()) {
      const before = now() - limits.streamUploadUnusedMs;
      const tables = shards[shardOf(namespace)];
      // It is not served here, so nobody knows what is used.
      if (tables === undefined) continue;
      removed += await this.uploads(namespace, before, tables);
      removed += await this.packs(namespace, before, tables);
    }
    return removed;
  }

  private async uploads(namespace: string, before: number, { rows, upToDate }: UsedBy): Promise<number> {
    const { objects } = this.parts;
    const found = new Map<string, string[]>();
    for await (const name of objects.list(`${namespace}/~stream-uploads/`, before)) {
      const folder = name.slice(0, name.lastIndexOf("/"));
      found.set(folder, [...(found.get(folder) ?? []), name]);
    }
    // Behind the look at what is stored: a message that came until then is in the tables.
    if (found.size === 0 || !(await upToDate())) return 0;
    let removed = 0;
    for (const [folder, names] of found) {
      const [upload = "", device = ""] = folder.split("/").reverse().map(untoken);
      if (await rows.usesUpload(namespace, device, upload)) continue;
      for (const name of names) await objects.delete(name);
      removed += names.length;
    }
    return removed;
  }

  private async packs(namespace: string, before: number, { rows }: UsedBy): Promise<number> {
    const { objects } = this.parts;
    let removed = 0;
    for await (const names of inPages(objects.list(packsOf(namespace), before), PACKS)) {
      const packs = names.flatMap((object) => {
        const positions = positionsOf(object);
        return positions === undefined ? [] : [{ object, ...positions }];
      });
      const used = await rows.usedPacks(namespace, packs);
      const unused = packs.filter(({ object }) => !used.has(object));
      for (const { object } of unused) await objects.delete(object);
      removed += unused.length;
    }
    return removed;
  }
}
