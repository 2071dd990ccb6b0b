import { InvalidAcquisition } from "@fieldlog/acquisition";
import { limits } from "@fieldlog/contracts";
import type { About } from "@fieldlog/samples";
import type { PlainAnswer } from "../../http/late.js";
import { projectIdOf } from "../studio/numbers.js";
import { refusals } from "../studio/refusal.js";
import { AnnotationsByFile, annotationsJson, LABELS_BYTES, LABELS_SUFFIX } from "./annotations.js";
import { storedName, withId } from "./file-name.js";
import { type Asked, labelOf, readHeaders } from "./headers.js";
import type { Arrived } from "./ingestion.js";
import { mediaTypeOf } from "./media.js";
import { type FilePart, partsIn } from "./multipart.js";
import { isMultipart, type Receiving } from "./receiving.js";
import { ingestionRefusals, refusalOf } from "./refusal.js";
import { latin1 } from "./text.js";

/** A file of a request: it has arrived, or was refused. */
interface Sent {
  /** As it was sent, for what `.labels` files say of it. */
  readonly given: string;
  readonly arrived: Arrived | InvalidAcquisition;
}

/** What a request's sender is told of one file. */
interface FileAnswer {
  readonly success: boolean;
  readonly fileName: string;
  readonly projectId: number;
  readonly sampleId?: number;
  readonly error?: string;
}

const DOCUMENTS = ["application/json", "application/cbor"];

/**
 * `/api/<category>/files` (reference section 4): files of any kind, and files named `*.labels` that say something of the
 * others, which need not come first; so files become samples when all have come. Answers for each of them. Raises Refusal,
 * and what {@link Ingestion} raises, if none was stored.
 */
export async function takeFiles(receiving: Receiving): Promise<PlainAnswer> {
  const { headers } = receiving;
  if (!isMultipart(headers)) throw ingestionRefusals.noMultipart();
  const asked = readHeaders(headers);
  const annotations = new AnnotationsByFile();
  const sent: Sent[] = [];
  try {
    for await (const part of partsIn(headers, receiving.body())) {
      // Fields without a file say nothing that is known.
      if (part.fileName === "") continue;
      if (part.fileName.endsWith(LABELS_SUFFIX)) await readLabels(receiving, part, annotations);
      else sent.push({ given: part.fileName, arrived: await take(receiving, part) });
    }
    if (sent.length === 0) throw ingestionRefusals.noFile();
    const files = await keepAll(receiving, asked, sent, annotations);
    const body = latin1(JSON.stringify({ success: true, files }));
    return { status: 200, contentType: "application/json", body };
  } finally {
    for (const file of sent) await discard(file);
  }
}

async function discard({ arrived }: Sent): Promise<void> {
  if (!(arrived instanceof InvalidAcquisition)) await arrived.upload.discard();
}

async function readLabels(
  { room }: Receiving,
  { fileName, chunks }: FilePart,
  annotations: AnnotationsByFile,
): Promise<void> {
  const held = await room.read(chunks, LABELS_BYTES);
  try {
    annotations.add(fileName, held.bytes);
  } finally {
    held.release();
  }
}

async function take(
  { ingestion, room, caller }: Receiving,
  part: FilePart,
): Promise<Arrived | InvalidAcquisition> {
  if (!DOCUMENTS.includes(mediaTypeOf(part.fileName, part.mediaType))) {
    return ingestion.file(caller.namespace.id, part);
  }
  const held = await room.read(part.chunks, limits.acquisitionBytes);
  try {
    return await ingestion.document(caller.namespace.id, held.bytes);
  } catch (error) {
    if (error instanceof InvalidAcquisition) return error;
    throw error;
  } finally {
    held.release();
  }
}

/**
 * One after the other, in their order; each is taken out of `sent`, in which those stay that nobody has decided on. Once
 * one is stored, what becomes of the others is told file by file.
 */
async function keepAll(
  receiving: Receiving,
  asked: Asked,
  sent: Sent[],
  annotations: AnnotationsByFile,
): Promise<FileAnswer[]> {
  const answers: FileAnswer[] = [];
  for (let file = sent.shift(); file !== undefined; file = sent.shift()) {
    const { given } = file;
    const answer = await keep(receiving, asked, file, annotations).catch((error: unknown) => {
      const refusal = refusalOf(error) ?? refusals.unforeseen();
      if (refusal.status >= 500 && !answers.some(({ success }) => success)) throw error;
      return refused(receiving, given, refusal.message);
    });
    answers.push(answer);
  }
  return answers;
}

async function keep(
  receiving: Receiving,
  asked: Asked,
  file: Sent,
  annotations: AnnotationsByFile,
): Promise<FileAnswer> {
  const { ingestion, caller } = receiving;
  const { given, arrived } = file;
  if (arrived instanceof InvalidAcquisition) throw arrived;
  let about: About & { fileName: string };
  try {
    about = aboutFile(receiving, asked, given, annotations);
  } catch (error) {
    await discard(file);
    throw error;
  }
  const options = { unique: asked.unique, decidedBy: caller.decidedBy };
  const { sample } = await ingestion.keep(caller.namespace.id, arrived, about, options);
  const projectId = projectIdOf(caller.namespace.id);
  return { success: true, fileName: about.fileName, projectId, sampleId: Number(sample?.number ?? 0n) };
}

/** Raises Refusal 400. */
function aboutFile(
  { category, now }: Receiving,
  asked: Asked,
  given: string,
  annotations: AnnotationsByFile,
): About & { fileName: string } {
  const name = storedName(given);
  const owner = annotations.ownerOf(given);
  return {
    ...{ category, label: labelOf(asked, name), fileName: asked.addId ? withId(name, now()) : name },
    // What belongs to another file is none of the data that one trains with.
    ...(owner === undefined
      ? { metadata: { ...asked.metadata } }
      : { metadata: { ...asked.metadata, attachment_of: storedName(owner) }, enabled: false }),
    ...{ uploadSource: asked.uploadSource, deviceType: asked.deviceType },
    annotationsJson: annotationsJson({ ...asked.annotations, ...annotations.of(given) }),
  };
}

function refused({ caller }: Receiving, given: string, error: string): FileAnswer {
  const projectId = projectIdOf(caller.namespace.id);
  return { success: false, fileName: storedName(given), projectId, error };
}
