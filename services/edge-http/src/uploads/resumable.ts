import type { IncomingMessage } from "node:http";
import { RecordConflict } from "@fieldlog/event-log";
import { bytesIn, type ObjectStore } from "@fieldlog/objects";
import { Problem } from "../native/problem.js";
import { CutOff, tooLarge } from "./body.js";
import type { KnownProgress, Progress, ProgressRecords } from "./progress.js";
import { type Finished, type Started, StoredBefore, type Uploads } from "./uploads.js";

/** tus 1.0.0, the resumable upload protocol: https://tus.io/protocols/resumable-upload */
export const TUS_VERSION = "1.0.0";
const CONTENT_TYPE = "application/offset+octet-stream";
/** Objects that an upload may consist of: who resumes it more often has to send larger pieces. */
const MOST_PARTS = 1_024;

export interface TusAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The upload has ended with this request. */
  readonly finished?: Finished;
}

export interface ResumableParts {
  readonly uploads: Uploads;
  readonly records: ProgressRecords;
  readonly objects: Pick<ObjectStore, "delete">;
}

type Headers = IncomingMessage["headers"];

/**
 * The core of tus on an upload URL: HEAD tells how far it is, PATCH goes on there. The length comes when the sender
 * knows it, at the latest with the last PATCH (creation-defer-length). What had arrived when a sender broke off is
 * kept. Of two who send at once the later one goes on. Raises Problem, and what {@link Uploads} raises.
 */
export class Resumable {
  constructor(private readonly parts: ResumableParts) {}

  options(): TusAnswer {
    return { status: 204, headers: { "tus-version": TUS_VERSION, "tus-extension": "expiration" } };
  }

  async head(token: string): Promise<TusAnswer> {
    const known = await this.parts.records.find(token);
    if (known?.record.done) return { status: 200, headers: offsetOf(known.record) };
    const opened = await unlessStored(this.parts.uploads.open(token));
    if (opened === undefined) return { status: 200, headers: await this.noteEnd(token, known) };
    const { expiresAt } = opened;
    const headers = { "upload-expires": new Date(Number(expiresAt)).toUTCString() };
    if (known !== undefined && isWhole(known.record)) {
      const finished = await this.end(await this.parts.uploads.start(token, true), known);
      return { status: 200, headers: { ...headers, ...offsetOf(known.record) }, finished };
    }
    return { status: 200, headers: { ...headers, ...offsetOf(known?.record ?? nothing("")) } };
  }

  /** @param body what is sent; read only if it is wanted */
  async patch(
    token: string,
    headers: Headers,
    body: (started: Started) => AsyncIterable<Uint8Array>,
  ): Promise<TusAnswer> {
    const asked = readPatch(headers);
    const found = await this.parts.records.find(token);
    if (found?.record.done) return { status: 204, headers: offsetOf(found.record) };
    const started = await unlessStored(this.parts.uploads.start(token, true));
    if (started === undefined) return { status: 204, headers: await this.noteEnd(token, found) };
    const begun = await this.begin(started, asked, found);
    try {
      const reached = await this.receive(started, begun, body(started));
      const finished = isWhole(reached.record) ? await this.end(started, reached) : undefined;
      return { status: 204, headers: offsetOf(reached.record), ...(finished && { finished }) };
    } catch (error) {
      if (!(error instanceof RecordConflict)) throw error;
      throw new Problem(409, "Somebody else goes on with this upload. Ask how far it is.");
    }
  }

  /** From here on this request is the one that sends. Raises Problem 400, 409, 413. */
  private async begin(
    { token, upload }: Started,
    { offset, length }: Asked,
    found: KnownProgress | undefined,
  ): Promise<KnownProgress> {
    const { writing, ...before } = found?.record ?? nothing(upload.format);
    const most = Number(upload.maxBytes);
    const at = bytesIn(before.parts);
    if (offset !== at) throw new Problem(409, `This upload is at ${at}, not at ${offset}.`);
    if (length !== undefined) {
      if (before.length !== undefined && before.length !== length) {
        throw new Problem(400, `This upload has ${before.length} bytes, not ${length}.`);
      }
      if (length > most) throw tooLarge(most);
      if (length < at) throw new Problem(400, `More than ${length} bytes have come already.`);
      if (length === 0) throw new Problem(400, "There is nothing in this upload.");
    }
    const record = { ...before, ...(length === undefined ? {} : { length }) };
    const begun = await this.parts.records
      .write(token, record, found?.revision ?? 0)
      .catch((error: unknown) => {
        if (!(error instanceof RecordConflict)) throw error;
        throw new Problem(409, "Somebody else goes on with this upload. Ask how far it is.");
      });
    // Left by who broke off without a chance to say so.
    if (writing !== undefined) await this.parts.objects.delete(writing);
    return begun;
  }

  private async receive(
    started: Started,
    begun: KnownProgress,
    body: AsyncIterable<Uint8Array>,
  ): Promise<KnownProgress> {
    const { uploads, records, objects } = this.parts;
    const { token } = started;
    let progress = begun;
    const note = async (record: Progress) => {
      progress = await records.write(token, record, progress.revision);
    };
    const limit = progress.record.length ?? Number(started.upload.maxBytes);
    const wanted = untilCut(exactly(body, limit - bytesIn(progress.record.parts), limit));
    const begins = async (writing: string) => {
      if (progress.record.parts.length >= MOST_PARTS) {
        throw new Problem(400, `This upload is in more than ${MOST_PARTS} pieces. Send larger ones.`);
      }
      await note({ ...progress.record, writing });
    };
    for await (const part of uploads.stored(started, wanted, bytesIn(progress.record.parts), begins)) {
      const { writing: _, ...before } = progress.record;
      try {
        await note({ ...before, parts: [...before.parts, part] });
      } catch (error) {
        await objects.delete(part.object).catch(() => undefined);
        throw error;
      }
    }
    return progress;
  }

  private async end(started: Started, known: KnownProgress): Promise<Finished> {
    const { parts, mediaType } = known.record;
    const finished = await this.parts.uploads.finish(started, parts, mediaType);
    await this.noteDone(started.token, known);
    return finished;
  }

  /** Of what is stored, by an edge that was killed before it noted that. Raises StoredBefore where it came another way. */
  private async noteEnd(token: string, known: KnownProgress | undefined): Promise<Record<string, string>> {
    if (known === undefined || !isWhole(known.record)) throw new StoredBefore();
    await this.noteDone(token, known);
    return offsetOf(known.record);
  }

  /** Only for those who ask again; once its time is over, nothing else tells them. */
  private async noteDone(token: string, { record, revision }: KnownProgress): Promise<void> {
    await this.parts.records.write(token, { ...record, done: true }, revision).catch(() => undefined);
  }
}

/** Undefined: the upload that is asked for is stored already. */
async function unlessStored<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof StoredBefore) return undefined;
    throw error;
  }
}

interface Asked {
  readonly offset: number;
  readonly length: number | undefined;
}

/** What the headers of a PATCH say. Raises Problem 400, 412, 415. */
export function readPatch(headers: Headers): Asked {
  if (headers["tus-resumable"] !== TUS_VERSION) {
    throw new Problem(412, `Send the header Tus-Resumable: ${TUS_VERSION}.`);
  }
  if (headers["content-type"]?.toLowerCase() !== CONTENT_TYPE) {
    throw new Problem(415, `A PATCH has the content type ${CONTENT_TYPE}.`);
  }
  const offset = wholeNumber(headers, "upload-offset");
  if (offset === undefined) throw new Problem(400, "The header Upload-Offset is missing.");
  return { offset, length: wholeNumber(headers, "upload-length") };
}

function wholeNumber(headers: Headers, name: string): number | undefined {
  const text = headers[name];
  if (text === undefined) return undefined;
  const value = typeof text === "string" && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new Problem(400, `The header ${name} is not a whole number.`);
}

function nothing(format: string): Progress {
  return { parts: [], mediaType: mediaTypeOf(format), done: false };
}

/** What a PATCH cannot say: its own content type is another. */
function mediaTypeOf(format: string): string {
  return format.includes("/") ? format : "application/octet-stream";
}

function isWhole({ parts, length }: Progress): boolean {
  return length !== undefined && bytesIn(parts) === length;
}

function offsetOf({ parts, length }: Progress): Record<string, string> {
  return {
    "upload-offset": String(bytesIn(parts)),
    ...(length === undefined ? { "upload-defer-length": "1" } : { "upload-length": String(length) }),
  };
}

/** Raises Problem 413 for more than `most` bytes, of an upload that has `limit`. */
async function* exactly(
  content: AsyncIterable<Uint8Array>,
  most: number,
  limit: number,
): AsyncGenerator<Uint8Array, void> {
  let left = most;
  for await (const chunk of content) {
    left -= chunk.length;
    if (left < 0) throw tooLarge(limit);
    yield chunk;
  }
}

/** Ends where the sender broke off or fell silent: what has come is kept. */
async function* untilCut(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* content;
  } catch (error) {
    if (error instanceof CutOff) return;
    if (error instanceof Problem && (error.status === 408 || error.status === 410)) return;
    throw error;
  }
}
