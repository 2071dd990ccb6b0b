import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  CLEARING,
  isSignalsStream,
  REGISTRY,
  registrySubject,
  SIGNALS,
  type SignalsStream,
} from "@fieldlog/contracts";
import { JetStreamApiCodes, JetStreamApiError, type JetStreamManager } from "@nats-io/jetstream";
import { BackupError, foreseen } from "./errors.js";
import { type Manifest, type SignalsEnds, type StreamPart, writeManifest } from "./manifest.js";
import { placesOf } from "./places.js";
import { type Server, withServer } from "./server.js";
import { takeSnapshot } from "./snapshot.js";
import { type Streams, streamsOf } from "./streams.js";

export interface BackUpOptions {
  /** nats://user:password@host:port */
  readonly natsUrl: string;
  /** Made; must be empty. */
  readonly folder: string;
  /** Told of each piece: bytes of the stream that came, and at most how many there are (they come compressed). */
  readonly onProgress?: (stream: string, bytes: number, atMost: number) => void;
}

export interface BackedUp {
  readonly manifest: Manifest;
  /** Streams in the same account that are not Fieldlog's, and not in the backup. */
  readonly others: readonly string[];
}

/** Times that the logs are read, if somebody clears or erases while they are. */
const ATTEMPTS = 3;

/**
 * Copies what Postgres is built from, and what nothing can be built from, into a folder, while the services run.
 *
 * @throws BackupError; what was written then stays, without a manifest
 */
export function backUp(options: BackUpOptions): Promise<BackedUp> {
  return foreseen(() => copyAll(options));
}

async function copyAll({ natsUrl, folder, onProgress }: BackUpOptions): Promise<BackedUp> {
  await emptyFolder(folder);
  return await withServer(natsUrl, async (server) => {
    const { jsm, nc } = server;
    const streams = await streamsOf(jsm);
    if (streams.logs.length < 2) throw new BackupError("there is no log of Fieldlog on this NATS server");
    const beganAt = new Date().toISOString();
    const copy = copier(server, folder, onProgress);
    const places = await placesOf(jsm, streams.logs);
    const before = await copy(streams.cursors);
    const { parts, ends } = await copyWhole(server, streams, folder, copy);
    // Last, with those that came meanwhile: what the log tells of is there, and for what else is there nobody asks.
    const objects = await copy((await streamsOf(jsm)).objects);
    const manifest = await writeManifest(folder, {
      ...{ beganAt, endedAt: new Date().toISOString(), nats: nc.info?.version ?? "", ...ends },
      ...{ streams: [...before, ...parts, ...objects], places },
    });
    return { manifest, others: streams.others };
  });
}

type Copy = (streams: readonly string[]) => Promise<StreamPart[]>;

function copier(server: Server, folder: string, onProgress: BackUpOptions["onProgress"]): Copy {
  return async (streams) => {
    const parts: StreamPart[] = [];
    for (const stream of streams) {
      const file = `${stream}.snapshot`;
      const { state } = await server.jsm.streams.info(stream);
      const tell = (bytes: number) => onProgress?.(stream, bytes, Math.max(bytes, state.bytes));
      parts.push({ file, ...(await takeSnapshot(server, stream, join(folder, file), tell)) });
    }
    return parts;
  };
}

/** Logs and keys. Again, if something was cleared or erased meanwhile: one log would tell of it and the other not. */
async function copyWhole({ jsm }: Server, { logs, records }: Streams, folder: string, copy: Copy) {
  for (let attempt = 1; ; attempt++) {
    const cleared = await lastClearing(jsm);
    const copied = [...(await copy(logs)), ...(await copy(records))];
    const ends = await endsOf(jsm, logs.filter(isSignalsStream));
    if ((await lastClearing(jsm)) === cleared) return { parts: copied, ends };
    if (attempt === ATTEMPTS) {
      throw new BackupError("namespaces are being cleared or devices erased, again and again", {
        hint: "Take the backup when that is over; nothing that was copied now is a whole.",
      });
    }
    for (const { file } of copied) await rm(join(folder, file));
  }
}

async function endsOf(jsm: JetStreamManager, streams: readonly SignalsStream[]): Promise<SignalsEnds> {
  const ends: [SignalsStream, number][] = [];
  for (const stream of streams) ends.push([stream, (await jsm.streams.info(stream)).state.last_seq]);
  const { [SIGNALS]: signalsEnd = 0, ...shards } = Object.fromEntries(ends);
  return { signalsEnd, ...(Object.keys(shards).length === 0 ? {} : { shardsEnd: shards }) };
}

/** REGISTRY sequence of the newest decision that clears or erases; 0: there was none. */
async function lastClearing(jsm: JetStreamManager): Promise<number> {
  try {
    const message = await jsm.streams.getMessage(REGISTRY, { last_by_subj: registrySubject(CLEARING) });
    return message?.seq ?? 0;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.NoMessageFound) return 0;
    throw error;
  }
}

async function emptyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) {
    throw new BackupError(`${folder} is not empty`, {
      hint: "Each backup has a folder of its own; name one that does not exist yet.",
    });
  }
  // The data keys in it are sealed, and what devices said is not.
  await chmod(folder, 0o700);
}
