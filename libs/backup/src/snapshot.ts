import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import type { StreamConfig, StreamState } from "@nats-io/jetstream";
import { createInbox, type Msg } from "@nats-io/transport-node";
import { BackupError } from "./errors.js";
import type { StreamPart } from "./manifest.js";
import { ask, type Server } from "./server.js";

/** Bytes of a piece. What is under way and not yet confirmed the server bounds, at 8 to 32 MiB. */
const CHUNK_BYTES = 128 * 1024;
/** Milliseconds without a piece after which the server is given up. */
const SILENCE_MS = 60_000;
/** Milliseconds for the beginning: the server looks at the whole stream first. */
const BEGIN_MS = 120_000;
/** Of the message without content that ends a snapshot; 0: a server before 2.11 has no status there. */
const COMPLETE = [0, 204];

/**
 * Writes a snapshot of a stream into a new file, while the stream goes on; the places of its readers are not in it
 * (see places.ts). JetStream's API: `STREAM.SNAPSHOT`, pieces to a subject of ours, each confirmed by an answer.
 *
 * @param onBytes told how many have come so far
 * @throws BackupError
 */
export async function takeSnapshot(
  server: Server,
  stream: string,
  path: string,
  onBytes: (bytes: number) => void,
): Promise<Omit<StreamPart, "file">> {
  const subject = createInbox();
  const pieces = server.nc.subscribe(subject);
  const file = await open(path, "wx", 0o600);
  try {
    const question = { deliver_subject: subject, no_consumers: true, chunk_size: CHUNK_BYTES };
    const { config, state } = await ask<{ config: StreamConfig; state: StreamState }>(
      server,
      `STREAM.SNAPSHOT.${stream}`,
      question,
      BEGIN_MS,
    );
    const silence = setTimeout(() => pieces.unsubscribe(), SILENCE_MS);
    const written = await write(stream, pieces, file, (bytes) => {
      silence.refresh();
      onBytes(bytes);
    }).finally(() => clearTimeout(silence));
    await file.sync();
    const { messages, bytes, first_seq, last_seq } = state;
    return { ...written, config, state: { messages, bytes, first_seq, last_seq } };
  } finally {
    pieces.unsubscribe();
    await file.close();
  }
}

async function write(
  stream: string,
  pieces: AsyncIterable<Msg>,
  file: FileHandle,
  onBytes: (bytes: number) => void,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  let count = 0;
  for await (const piece of pieces) {
    const { data, headers } = piece;
    if (data.length === 0) {
      if (COMPLETE.includes(headers?.code ?? 0)) return { bytes, sha256: hash.digest("hex") };
      throw new BackupError(`NATS broke the snapshot of ${stream} off: ${headers?.description}`);
    }
    checkOrder(stream, piece, ++count);
    hash.update(data);
    await file.writeFile(data);
    bytes += data.length;
    onBytes(bytes);
    // Only what is written: so the server never sends more than it may have under way.
    piece.respond();
  }
  throw new BackupError(`the snapshot of ${stream} was not finished: NATS went away, or was silent`);
}

/** Where the confirmation goes names length and number of the piece; the last one needs none. */
function checkOrder(stream: string, { reply, data }: Msg, number: number): void {
  if (!reply) return;
  const [size, index] = reply.split(".").slice(-2).map(Number);
  if (size !== data.length || index !== number) {
    throw new BackupError(`of the snapshot of ${stream}, piece ${number} did not arrive`);
  }
}
