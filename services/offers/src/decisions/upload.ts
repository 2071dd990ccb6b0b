import type { registry } from "@fieldlog/contracts";
import type { Decider, Outcome } from "@fieldlog/decider";
import { UnknownReading, UnknownUpload, UploadClosed } from "./refusals.js";

// Ids: a UUID that follows from the message which brought the offer. The number of the reading that it becomes is the
// sequence of its first decision.

// Events: UploadOffered, UploadStarted, UploadStored, UploadFailed, ReadingRemoved. Their names and fields are the
// storage format of the permanent log.

// State

/** What was offered, and on what terms; times in ms since 1970 UTC. */
export interface Offered {
  readonly device: string;
  readonly sensor: string;
  readonly sensorType: string;
  readonly current: boolean;
  /** Of the data request; 0: none. */
  readonly requestNumber: number;
  /** Its id; empty: none. */
  readonly request: string;
  readonly start?: number;
  readonly end?: number;
  readonly latitude?: number;
  readonly longitude?: number;
  readonly format: string;
  readonly maxBytes: number;
  readonly expiresAt: number;
  readonly fileName: string;
}

/** What is kept. */
export interface Stored {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  readonly mediaType: string;
  readonly store: string;
  readonly objects: readonly string[];
  readonly objectBytes: readonly number[];
}

export interface MadeUpload {
  readonly phase: "offered" | "started" | "stored" | "failed" | "removed";
  readonly number: number;
  readonly offered: Offered;
  readonly offeredAt: number;
  readonly stored?: Stored;
  readonly storedAt?: number;
  /** Why it failed. */
  readonly reason?: string;
  /** It had begun and nobody has ended it, so nobody has removed what was stored of it. */
  readonly abandoned?: true;
}

export type Upload = { readonly phase: "none" } | MadeUpload;

export const upload: Decider<Upload> = {
  kind: "upload",
  initial: { phase: "none" },
  evolve: (state, { event }, { sequence: number, decidedAt }) => {
    if (state.phase === "none") {
      if (event.case !== "uploadOffered") return state;
      return { phase: "offered", number, offered: offeredOf(event.value), offeredAt: decidedAt };
    }
    switch (event.case) {
      case "uploadStarted":
        return { ...state, phase: "started" };
      case "uploadStored":
        return { ...state, phase: "stored", stored: storedOf(event.value), storedAt: decidedAt };
      case "uploadFailed":
        return {
          ...{ ...state, phase: "failed", reason: event.value.reason },
          ...(state.phase === "started" && UNTOLD.includes(event.value.reason) ? { abandoned: true } : {}),
        };
      case "readingRemoved":
        return { ...state, phase: "removed" };
      default:
        return state;
    }
  },
};

function offeredOf(event: registry.UploadOffered): Offered {
  const { device, sensor, sensorType, current, request, format, fileName, latitude, longitude } = event;
  const { start, end } = event;
  return {
    ...{ device, sensor, sensorType, current, request, format, fileName },
    requestNumber: Number(event.requestNumber),
    ...(start === undefined ? {} : { start: Number(start) }),
    ...(end === undefined ? {} : { end: Number(end) }),
    ...(latitude === undefined || longitude === undefined ? {} : { latitude, longitude }),
    ...{ maxBytes: Number(event.maxBytes), expiresAt: Number(event.expiresAt) },
  };
}

export function storedOf(event: registry.UploadStored): Stored {
  const { bytes, sha256, mediaType, store, objects, objectBytes } = event;
  return {
    ...{ bytes: Number(bytes), sha256: Buffer.from(sha256).toString("hex"), mediaType, store },
    ...{ objects: [...objects], objectBytes: objectBytes.map(Number) },
  };
}

// Decisions

/** Of one that exists: nothing. */
export function offer(offered: Offered): (state: Upload) => Outcome<undefined> {
  return (state) => {
    if (state.phase !== "none") return nothing;
    const { start, end, requestNumber, maxBytes, expiresAt, ...fields } = offered;
    return recorded({
      case: "uploadOffered",
      value: {
        ...fields,
        ...(start === undefined ? {} : { start: BigInt(start) }),
        ...(end === undefined ? {} : { end: BigInt(end) }),
        ...{ requestNumber: BigInt(requestNumber), maxBytes: BigInt(maxBytes), expiresAt: BigInt(expiresAt) },
      },
    });
  };
}

/** Refuses UnknownUpload, UploadClosed: it has ended, or its time is over. */
export function opened(state: Upload, now: number): MadeUpload {
  if (state.phase === "none") throw new UnknownUpload();
  if (state.phase === "stored") throw new UploadClosed("stored");
  if (state.phase !== "offered" && state.phase !== "started") throw new UploadClosed("used");
  if (state.offered.expiresAt <= now) throw new UploadClosed("expired");
  return state;
}

/**
 * Of all that begin, one does. Refuses UnknownUpload, UploadClosed.
 *
 * @param resume whether what was begun may be gone on with
 */
export function start(now: number, resume: boolean): (state: Upload) => Outcome<undefined> {
  return (state) => {
    const { phase } = opened(state, now);
    if (phase === "offered") return recorded({ case: "uploadStarted", value: {} });
    if (!resume) throw new UploadClosed("used");
    return nothing;
  };
}

/** Asked twice with the same content, has no effect the second time. Refuses UnknownUpload, UploadClosed. */
export function finish(stored: registry.UploadStored): (state: Upload) => Outcome<undefined> {
  return (state) => {
    if (state.phase === "none") throw new UnknownUpload();
    if (state.phase === "started") return recorded({ case: "uploadStored", value: stored });
    const { sha256 } = storedOf(stored);
    if (state.phase === "stored" && state.stored?.sha256 === sha256) return nothing;
    throw new UploadClosed("used");
  };
}

/** Of one that has ended: nothing. Refuses UnknownUpload. */
export function fail(reason: string): (state: Upload) => Outcome<undefined> {
  return (state) => {
    if (state.phase === "none") throw new UnknownUpload();
    if (state.phase !== "offered" && state.phase !== "started") return nothing;
    return recorded({ case: "uploadFailed", value: { reason } });
  };
}

/** Why an upload fails of which its door has said nothing, or does not know it. Storage format. */
export const LAPSED = "expired";
export const ERASED = "erased";
const UNTOLD: readonly string[] = [LAPSED, ERASED];

/** Before its time: nothing. */
export function lapse(now: number): (state: Upload) => Outcome<undefined> {
  return (state) => {
    if (state.phase !== "offered" && state.phase !== "started") return nothing;
    return state.offered.expiresAt > now ? nothing : fail(LAPSED)(state);
  };
}

/** Asked twice, has no effect the second time. Refuses UnknownReading: nothing was stored. */
export function remove(state: Upload): Outcome<undefined> {
  if (state.phase === "removed") return nothing;
  if (state.phase !== "stored") throw new UnknownReading();
  return recorded({ case: "readingRemoved", value: {} });
}

/** Whatever it is, nothing of it is left. */
export function erase(state: Upload): Outcome<undefined> {
  if (state.phase === "none" || state.phase === "removed") return nothing;
  return recorded({ case: "readingRemoved", value: {} });
}

const nothing: Outcome<undefined> = { events: [], result: undefined };

function recorded(event: Outcome<undefined>["events"][number]["event"]): Outcome<undefined> {
  return { events: [event === undefined ? {} : { event }], result: undefined };
}
