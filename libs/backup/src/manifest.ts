import { createHash } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { StreamName } from "@fieldlog/contracts";
import type { ConsumerConfig, StreamConfig, StreamState } from "@nats-io/jetstream";
import { BackupError } from "./errors.js";

/** Written last: a folder without it is no backup. */
export const MANIFEST = "manifest.json";
const FORMAT = "fieldlog-backup";
/** Raised when an older Fieldlog could not read it any more. */
const VERSION = 2;
/** Of a backup with one shard, which every Fieldlog can put back. */
const ONE_SHARD = 1;

/** A stream's snapshot: the server's archive, as it sent it. */
export interface StreamPart {
  readonly file: string;
  readonly bytes: number;
  /** Of the file, in hex. */
  readonly sha256: string;
  readonly config: StreamConfig;
  /** When the snapshot began: all of this is in it, and perhaps some of what came meanwhile. */
  readonly state: Pick<StreamState, "messages" | "bytes" | "first_seq" | "last_seq">;
}

/** How far the readers of a group had come together. */
export interface Place {
  readonly stream: StreamName;
  readonly config: ConsumerConfig;
  /** All up to this sequence is done with. */
  readonly after: number;
}

/** Where signals were after everything else had been read: some decisions may know of commits up to there. */
export interface SignalsEnds {
  /** Sequence of SIGNALS. */
  readonly signalsEnd: number;
  /** Sequences of the further shards' streams, by name; absent: there is one shard. */
  readonly shardsEnd?: { readonly [stream: string]: number };
}

/** What is in a backup. The names of its fields are the storage format. */
export interface Manifest extends SignalsEnds {
  readonly format: typeof FORMAT;
  readonly version: number;
  /** RFC 3339. All that was acknowledged before it began is in the backup. */
  readonly beganAt: string;
  readonly endedAt: string;
  /** Of the NATS server that it was taken from. */
  readonly nats: string;
  readonly streams: readonly StreamPart[];
  readonly places: readonly Place[];
}

export type NewManifest = Omit<Manifest, "format" | "version">;

export async function writeManifest(folder: string, content: NewManifest): Promise<Manifest> {
  const version = content.shardsEnd === undefined ? ONE_SHARD : VERSION;
  const manifest: Manifest = { format: FORMAT, version, ...content };
  const text = JSON.stringify({ ...manifest, checksum: checksumOf(manifest) }, null, 2);
  const path = join(folder, MANIFEST);
  const file = await open(`${path}.new`, "wx", 0o600);
  try {
    await file.writeFile(`${text}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  return manifest;
}

/** Raises BackupError for what is no whole backup of ours. */
export async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, MANIFEST), "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new BackupError(`${folder} holds no ${MANIFEST} that can be read (${cause.code})`, {
      hint: "It is written last: without it the backup was broken off, or this is another folder.",
      cause,
    });
  });
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (cause) {
    throw damaged(cause);
  }
  if (typeof found !== "object" || found === null || (found as Manifest).format !== FORMAT) {
    throw new BackupError(`${join(folder, MANIFEST)} is not of a backup of Fieldlog`);
  }
  const { checksum, ...manifest } = found as Manifest & { checksum: string };
  if (checksum !== checksumOf(manifest) || !manifest.streams.every(({ file }) => PLAIN.test(file))) {
    throw damaged();
  }
  if (manifest.version > VERSION) {
    throw new BackupError(`the backup is of version ${manifest.version}, and this is ${VERSION}`, {
      hint: "Use the fieldlog command of the Fieldlog that made it, or of a later one.",
    });
  }
  return manifest;
}

/** A name in the folder, and no path. */
const PLAIN = /^[\w=-]+\.snapshot$/;

function damaged(cause?: unknown): BackupError {
  return new BackupError(`${MANIFEST} is damaged: it is not as it was written`, {
    hint: "Take another copy of this backup, or an older backup.",
    cause,
  });
}

function checksumOf(manifest: Manifest): string {
  return createHash("sha256").update(JSON.stringify(manifest)).digest("hex");
}
