import { encodingOf } from "@fieldlog/acquisition";
import { limits } from "@fieldlog/contracts";
import type { PlainAnswer } from "../../http/late.js";
import { annotationsJson } from "./annotations.js";
import { storedName, withId } from "./file-name.js";
import { labelOf, neededFileName, readHeaders } from "./headers.js";
import type { Arrived } from "./ingestion.js";
import { BYTES, mediaTypeOf } from "./media.js";
import { type FilePart, partsIn } from "./multipart.js";
import { isMultipart, type Receiving } from "./receiving.js";
import { ingestionRefusals } from "./refusal.js";
import type { Held } from "./room.js";
import { latin1 } from "./text.js";

/** A part of a stored file: the document, or what belongs to it. */
interface Piece {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: bigint;
}

/**
 * `/api/<category>/data` (reference section 4): one acquisition document, alone or with files that belong to it. Answers
 * with the name under which it is stored, as text. Raises Refusal, InvalidAcquisition, and what {@link Ingestion} raises.
 */
export async function takeData(receiving: Receiving): Promise<PlainAnswer> {
  const { ingestion, caller, category, headers, now } = receiving;
  const asked = readHeaders(headers);
  const given = storedName(neededFileName(asked));
  const fileName = asked.addId ? withId(given, now()) : given;
  const about = {
    ...{ category, label: labelOf(asked, given), fileName, metadata: { ...asked.metadata } },
    ...{ uploadSource: asked.uploadSource, deviceType: asked.deviceType },
    annotationsJson: annotationsJson(asked.annotations),
  };
  const { arrived, pieces } = isMultipart(headers)
    ? await withFiles(receiving, fileName)
    : { arrived: await alone(receiving), pieces: [] };
  const options = { unique: asked.unique, decidedBy: caller.decidedBy };
  const whole = pieces.length > 0 ? { ...arrived, mediaType: BYTES } : arrived;
  await ingestion.keep(caller.namespace.id, whole, { ...about, attachments: pieces }, options);
  return { status: 200, contentType: "text/plain; charset=utf-8", body: latin1(fileName) };
}

async function alone({ ingestion, room, caller, body }: Receiving): Promise<Arrived> {
  const held = await room.read(body(), limits.acquisitionBytes);
  try {
    return await ingestion.document(caller.namespace.id, held.bytes);
  } finally {
    held.release();
  }
}

/** Which part is the document is seen from what is in it; what comes before it is held, what comes after goes through. */
async function withFiles(
  { ingestion, room, caller, headers, body }: Receiving,
  fileName: string,
): Promise<{ arrived: Arrived; pieces: Piece[] }> {
  const before: { part: FilePart; held: Held }[] = [];
  const pieces: Piece[] = [];
  let arrived: Arrived | undefined;
  const attach = async (part: Pick<FilePart, "fileName" | "mediaType" | "chunks">) => {
    if (arrived === undefined) return;
    const bytes = BigInt(await ingestion.attach(arrived, part));
    const name = storedName(part.fileName || "attachment");
    pieces.push({ name, mediaType: mediaTypeOf(name, part.mediaType), bytes });
  };
  try {
    for await (const part of partsIn(headers, body())) {
      if (arrived !== undefined) {
        await attach(part);
        continue;
      }
      const held = await room.read(part.chunks, limits.acquisitionBytes);
      before.push({ part, held });
      if (encodingOf(held.bytes) === undefined) continue;
      before.pop();
      try {
        arrived = await ingestion.document(caller.namespace.id, held.bytes);
      } finally {
        held.release();
      }
      pieces.push({ name: fileName, mediaType: arrived.mediaType, bytes: BigInt(arrived.bytes) });
      for (const { part: early, held: kept } of before) await attach({ ...early, chunks: chunksOf(kept) });
    }
  } catch (error) {
    await arrived?.upload.discard();
    throw error;
  } finally {
    for (const { held } of before) held.release();
  }
  if (arrived === undefined) throw ingestionRefusals.noDocument();
  return { arrived, pieces: pieces.length > 1 ? pieces : [] };
}

async function* chunksOf({ bytes }: Held): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}
