import { positionOf, signalsStream, untoken } from "@fieldlog/contracts";
import type { DataKeys } from "@fieldlog/data-keys";
import type { EventLog } from "@fieldlog/event-log";
import { inPages, type ObjectStore } from "@fieldlog/objects";
import type { Rows } from "../rows.js";
import { foldersOf, lastPositionIn, packsOf, uploadsOf } from "./names.js";

/** Milliseconds for which is waited until the tables have what is in the log. */
const BEHIND_MS = 30_000;
/** Objects that are removed, and keys that are looked at, at once. */
const PAGE = 64;

export interface ClearingParts {
  readonly log: Pick<EventLog, "settledEnd">;
  readonly keys: Pick<DataKeys, "ofNamespace" | "forget">;
  readonly objects: Pick<ObjectStore, "list" | "delete">;
  readonly rows: Pick<Rows, "inStreams">;
  /** Whether the tables have what is in the log of signals up to the sequence; waits for it. */
  readonly sorted: (sequence: number, timeoutMs: number) => Promise<boolean>;
}

/** A namespace whose signals were cleared. */
export interface ClearedNamespace {
  readonly namespace: string;
  /** Sequence of the commit behind which it begins anew. */
  readonly signalsBefore: number;
  /** ms since 1970 UTC. */
  readonly decidedAt: number;
}

/**
 * Removes what was stored of it before, and the keys of devices that have nothing any more. What came since stays, however
 * late or often this is done: a message's position stands in its object's name, and of uploads the storage knows when they
 * came.
 */
export async function clearStored(parts: ClearingParts, cleared: ClearedNamespace): Promise<void> {
  const { log, keys, objects, rows, sorted } = parts;
  const { namespace, signalsBefore, decidedAt } = cleared;
  const sortedUpTo = async (sequence: number) => {
    if (!(await sorted(sequence, BEHIND_MS))) throw new Error("the tables are behind the log");
  };
  const remove = async (found: AsyncIterable<string>) => {
    for await (const names of inPages(found, PAGE))
      await Promise.all(names.map((name) => objects.delete(name)));
  };
  const held = await keys.ofNamespace(namespace);
  // What was before is in no table then, so none of it is stored any more.
  await sortedUpTo(signalsBefore);
  const before = positionOf(signalsBefore, 0);
  for (const folder of [foldersOf(namespace), packsOf(namespace)]) {
    await remove(namedBefore(objects.list(folder), before));
  }
  await remove(objects.list(uploadsOf(namespace), decidedAt));
  const uploading = new Set<string>();
  for await (const name of objects.list(uploadsOf(namespace)))
    uploading.add(untoken(name.split("/")[2] ?? ""));
  for (let from = 0; from < held.length; from += PAGE) {
    const page = held.slice(from, from + PAGE);
    const devices = page.map(({ device }) => device);
    await sortedUpTo(await log.settledEnd(signalsStream(namespace)));
    const needed = await rows.inStreams(namespace, devices);
    const unused = page.filter(({ device }) => !needed.has(device) && !uploading.has(device));
    await Promise.all(unused.map((key) => keys.forget(key)));
  }
}

async function* namedBefore(names: AsyncIterable<string>, position: number): AsyncGenerator<string, void> {
  for await (const name of names) {
    const last = lastPositionIn(name);
    if (last !== undefined && last < position) yield name;
  }
}
