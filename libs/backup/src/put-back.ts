import { open } from "node:fs/promises";
import { StoreCompression, type StreamConfig, type StreamInfo } from "@nats-io/jetstream";
import { BackupError } from "./errors.js";
import type { StreamPart } from "./manifest.js";
import { answerOf, ask, type Server } from "./server.js";

const CHUNK_BYTES = 256 * 1024;
const PIECE_MS = 60_000;
/** Milliseconds for the end, when the server moves it into place and reads all of it. */
const END_MS = 30 * 60_000;

/**
 * Makes a stream of its snapshot, with so many copies as this installation keeps. JetStream's API: `STREAM.RESTORE`,
 * then piece after piece, each answered; the last is empty.
 *
 * @throws BackupError if the server refuses it or afterwards lacks some of it
 */
export async function putBack(
  server: Server,
  { config, state }: Pick<StreamPart, "config" | "state">,
  path: string,
  replicas: number,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const { name } = config;
  // Of several copies none is compressed: see streams.ts of libs/event-log.
  const plain = replicas > 1 ? { compression: StoreCompression.None } : {};
  const wanted: StreamConfig = { ...config, ...plain, num_replicas: replicas };
  const { deliver_subject: to } = await ask<{ deliver_subject: string }>(server, `STREAM.RESTORE.${name}`, {
    config: wanted,
    state,
  });
  const file = await open(path);
  try {
    let bytes = 0;
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES);
      if (bytesRead === 0) break;
      const { data } = await server.nc.request(to, buffer.subarray(0, bytesRead), { timeout: PIECE_MS });
      if (data.length > 0) answerOf(data, `a piece of ${name}`);
      bytes += bytesRead;
      onBytes(bytes);
    }
    const { data } = await server.nc.request(to, new Uint8Array(), { timeout: END_MS });
    const { state: now } = answerOf<StreamInfo>(data, name);
    if (now.last_seq < state.last_seq || now.first_seq > Math.max(1, state.first_seq)) {
      const range = `${now.first_seq} to ${now.last_seq}`;
      throw new BackupError(`${name} has ${range} now, and had ${state.first_seq} to ${state.last_seq}`);
    }
  } finally {
    await file.close();
  }
}
