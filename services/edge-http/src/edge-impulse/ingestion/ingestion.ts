import { checkSignature, readAcquisition } from "@fieldlog/acquisition";
import { deviceKey, type Known, type OwnWrites } from "@fieldlog/admission";
import { limits, REGISTRY, type sampling } from "@fieldlog/contracts";
import type { About, SampleStore, SampleUpload } from "@fieldlog/samples";
import { atMost } from "../../uploads/body.js";
import { BYTES, HEAD_BYTES, mediaTypeOf, type Recording, wavOf } from "./media.js";
import type { FilePart } from "./multipart.js";
import { ingestionRefusals } from "./refusal.js";

export interface IngestionParts {
  readonly known: Pick<Known, "hmacKeys" | "registered">;
  readonly store: Pick<SampleStore, "begin">;
  readonly ownWrites: OwnWrites;
  readonly now: () => number;
}

/** A file whose bytes are stored. It becomes a sample with {@link Ingestion.keep}, or is to be discarded. */
export interface Arrived {
  readonly upload: SampleUpload;
  readonly bytes: number;
  readonly mediaType: string;
  /** What it says of itself. */
  readonly about: About;
  /** The device that it names, by id or name; empty: none. */
  readonly documentDevice: string;
}

const PIECE_BYTES = 256 * 1024;

/** Takes files in: bytes first, then the decision that there is a sample. Methods raise RpcError, ObjectsUnavailable. */
export class Ingestion {
  constructor(private readonly parts: IngestionParts) {}

  /** An acquisition document, with what stands behind it. Raises InvalidAcquisition. */
  async document(namespace: string, bytes: Buffer): Promise<Arrived> {
    const read = await readAcquisition(bytes);
    const { deviceName = "", deviceType, intervalMs, rowCount, axes } = read;
    const keys = read.signed.algorithm === "HS256" ? await this.keysOf(namespace) : [];
    const device = await this.deviceOf(namespace, deviceName);
    const about: About = {
      ...{ device, deviceType, intervalMs, axes: [...axes], values: BigInt(rowCount) },
      lengthMs: rowCount * intervalMs,
      signature: await checkSignature(bytes, read.signed, keys),
    };
    const upload = await this.parts.store.begin(namespace, device);
    const put = await putInto(upload, piecesOf(bytes));
    return {
      upload,
      bytes: put,
      mediaType: read.valuesBehind ? BYTES : `application/${read.encoding}`,
      about,
      documentDevice: deviceName,
    };
  }

  /** Any other file. Raises Refusal 413, and what its content raises. */
  async file(namespace: string, { fileName, mediaType, chunks }: FilePart): Promise<Arrived> {
    const upload = await this.parts.store.begin(namespace, "");
    const head: Uint8Array[] = [];
    const bytes = await putInto(
      upload,
      beginning(atMost(chunks, limits.sampleBytes, ingestionRefusals.tooLarge), head),
    );
    const recording = wavOf(Buffer.concat(head), bytes);
    return {
      ...{ upload, bytes, mediaType: mediaTypeOf(fileName, mediaType), documentDevice: "" },
      about: recording === undefined ? {} : aboutRecording(recording),
    };
  }

  /** Another file that belongs to it, behind it. Returns its bytes. Raises as {@link file}; it is discarded then. */
  attach({ upload }: Arrived, { chunks }: Pick<FilePart, "chunks">): Promise<number> {
    return putInto(upload, atMost(chunks, limits.sampleBytes, ingestionRefusals.tooLarge));
  }

  /** Raises RpcError `already_exists`: there is one of that content, and there may not be. */
  async keep(
    namespace: string,
    { upload, about, mediaType, documentDevice }: Arrived,
    asked: About,
    { unique, decidedBy }: { unique: boolean; decidedBy: string },
  ): Promise<sampling.StoreSampleResponse> {
    const sample = { ...asked, ...about, enabled: asked.enabled ?? true };
    const options = { mediaType, unique, decidedBy, documentDevice };
    const kept = await upload.storeSample(sample, options);
    this.parts.ownWrites.note(namespace, REGISTRY, Number(kept.sequence));
    return kept;
  }

  private async keysOf(namespace: string): Promise<string[]> {
    const now = this.parts.now();
    const keys = (await this.parts.known.hmacKeys.get(namespace)) ?? [];
    return keys.flatMap(({ key, expiresAt }) => (expiresAt === undefined || expiresAt > now ? [key] : []));
  }

  /** Its id, if there is such a device; by its name `sampling` finds it. */
  private async deviceOf(namespace: string, name: string): Promise<string> {
    if (name === "" || name.length > limits.idLength) return "";
    return (await this.parts.known.registered.get(deviceKey(namespace, name)))?.id ?? "";
  }
}

function aboutRecording({ intervalMs, values, channels }: Recording): About {
  const name = (channel: number) => (channels === 1 ? "audio" : `audio ${channel + 1}`);
  const axes = Array.from({ length: Math.min(channels, limits.sampleAxes) }, (_, channel) => ({
    ...{ name: name(channel), units: "wav" },
  }));
  return { intervalMs, values: BigInt(values), lengthMs: values * intervalMs, axes };
}

/** What cannot be put whole is discarded. */
async function putInto(upload: SampleUpload, content: AsyncIterable<Uint8Array>): Promise<number> {
  try {
    return (await upload.put(content)).bytes;
  } catch (error) {
    await upload.discard();
    throw error;
  }
}

/** In pieces, so that neither hashing nor encrypting one takes long. */
async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

/** The same bytes; the first of them are kept in `head`. */
async function* beginning(
  content: AsyncIterable<Uint8Array>,
  head: Uint8Array[],
): AsyncGenerator<Uint8Array, void> {
  let left = HEAD_BYTES;
  for await (const chunk of content) {
    // A copy, or the whole chunk would be kept.
    if (left > 0) head.push(Buffer.from(chunk.subarray(0, left)));
    left -= Math.min(left, chunk.length);
    yield chunk;
  }
}
