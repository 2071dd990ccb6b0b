import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { emptySignals, isSignalsStream, SIGNALS, type SignalsStream } from "@fieldlog/contracts";
import { encodeBatch } from "@fieldlog/event-log";
import { jetstream } from "@nats-io/jetstream";
import { BackupError, foreseen } from "./errors.js";
import { type Manifest, readManifest } from "./manifest.js";
import { putPlaces } from "./places.js";
import { putBack } from "./put-back.js";
import { type Server, withServer } from "./server.js";
import { streamsOf } from "./streams.js";
import { dropTables, schemasOf } from "./tables.js";

const RESERVE = 10_000;

export interface RestoreOptions {
  readonly natsUrl: string;
  /** Its tables are built anew: they must not know of a log that is gone. */
  readonly postgresUrl: string;
  readonly folder: string;
  /** Copies that NATS keeps here. */
  readonly replicas: number;
  /** Removes what is there: streams and tables. Otherwise both servers must be empty. */
  readonly replace: boolean;
  /** Sequences of each stream of signals that are left out after the backup's last, at least; default 10,000, filled in about 5 s. */
  readonly reserve?: number | undefined;
  readonly onProgress?: (step: string, done: number, total: number) => void;
}

export interface Restored {
  readonly manifest: Manifest;
  /** Streams and schemas that were removed. */
  readonly removed: readonly string[];
  /** SIGNALS goes on after this. */
  readonly signalsEnd: number;
}

/**
 * Puts a backup back. Looks at all of it before anything is changed; the services must not run.
 *
 * @throws BackupError: it is damaged, the servers are not empty, NATS refuses it
 */
export function restore(options: RestoreOptions): Promise<Restored> {
  return foreseen(() => putAllBack(options));
}

async function putAllBack(options: RestoreOptions): Promise<Restored> {
  const { natsUrl, postgresUrl, folder, replicas, replace, onProgress } = options;
  const manifest = await readManifest(folder);
  await checkFiles(folder, manifest, onProgress);
  return await withServer(natsUrl, async (server) => {
    checkVersion(manifest.nats, server.nc.info?.version ?? "");
    const { cursors, logs, records, objects } = await streamsOf(server.jsm);
    const found = [...cursors, ...logs, ...records, ...objects];
    const schemas = await schemasOf(postgresUrl);
    const removed = [...found, ...schemas.map((schema) => `schema ${schema}`)];
    if (removed.length > 0 && !replace) throw notEmpty(found, schemas);
    for (const stream of found) await server.jsm.streams.delete(stream);
    await dropTables(postgresUrl, schemas);
    let signalsEnd = 0;
    for (const part of manifest.streams) {
      const path = join(folder, part.file);
      const tell = (bytes: number) => onProgress?.(part.config.name, bytes, part.bytes);
      await putBack(server, part, path, replicas, tell);
      // At once: whoever runs although nobody should must not be given a position that others have seen.
      const { name } = part.config;
      if (!isSignalsStream(name)) continue;
      const end = name === SIGNALS ? manifest.signalsEnd : manifest.shardsEnd?.[name];
      const last = await leaveOut(server, name, end ?? 0, options);
      if (name === SIGNALS) signalsEnd = last;
    }
    await putPlaces(server.jsm, manifest.places, replicas);
    return { manifest, removed, signalsEnd };
  });
}

/** A server reads the snapshots of older ones, and not of all later ones. Raises BackupError. */
export function checkVersion(ofBackup: string, here: string): void {
  const [from, to] = [ofBackup, here].map((version) => /^(\d+)\.(\d+)\./.exec(version)?.slice(1).map(Number));
  if (from === undefined || to === undefined) return;
  const [major = 0, minor = 0] = from;
  const [majorHere = 0, minorHere = 0] = to;
  if (majorHere > major || (majorHere === major && minorHere >= minor)) return;
  throw new BackupError(`the backup is of NATS ${ofBackup}, and here is ${here}, which may not read it`, {
    hint: `Nothing was changed. Restore onto NATS ${major}.${minor} or later.`,
  });
}

async function checkFiles(folder: string, { streams }: Manifest, tell: RestoreOptions["onProgress"]) {
  const total = streams.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const { file, bytes, sha256 } of streams) {
    const path = join(folder, file);
    const size = await stat(path).then(
      (found) => found.size,
      () => undefined,
    );
    if (size !== bytes) {
      const is = size === undefined ? "is missing" : `has ${size} bytes instead of ${bytes}`;
      throw new BackupError(`the backup is damaged: ${file} ${is}`, { hint: ANOTHER });
    }
    const hash = createHash("sha256");
    for await (const piece of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      hash.update(piece as Buffer);
      done += (piece as Buffer).length;
      tell?.("checksums", done, total);
    }
    if (hash.digest("hex") !== sha256) {
      throw new BackupError(`the backup is damaged: the checksum of ${file} is wrong`, { hint: ANOTHER });
    }
  }
}

const ANOTHER = "Nothing was changed. Take another copy of this backup, or an older backup.";

function notEmpty(streams: readonly string[], schemas: readonly string[]): BackupError {
  const of = [
    ...(streams.length > 0 ? [`NATS has ${streams.join(", ")}`] : []),
    ...(schemas.length > 0 ? [`Postgres has the schemas ${schemas.join(", ")}`] : []),
  ];
  return new BackupError(`there is data here already: ${of.join("; ")}`, {
    hint: "Nothing was changed. With --replace all of that is removed first; stop all services before.",
  });
}

/** Messages that are not yet confirmed. */
const AT_ONCE = 256;

/**
 * Commits without signals, up to where the stream was when the backup ended, and some more: positions that were given to
 * somebody are not given to other events.
 */
async function leaveOut(
  { nc, jsm }: Server,
  stream: SignalsStream,
  end: number,
  { reserve = RESERVE, onProgress }: RestoreOptions,
) {
  const js = jetstream(nc, { timeout: 30_000 });
  const { state } = await jsm.streams.info(stream);
  const until = Math.max(end, state.last_seq) + reserve;
  const nothing = encodeBatch([]);
  const total = until - state.last_seq;
  for (let done = 0; done < total; ) {
    const count = Math.min(AT_ONCE, total - done);
    const published = Array.from({ length: count }, () => js.publish(emptySignals(stream), nothing));
    await Promise.all(published);
    done += count;
    onProgress?.("positions left out", done, total);
  }
  return until;
}
