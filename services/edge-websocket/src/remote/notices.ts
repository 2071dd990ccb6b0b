import { limits } from "@fieldlog/contracts";
import type { Message } from "./codec.js";

/** What a device tells of a sampling. There is no order in which notices come, and none that must come. */
export interface Notice {
  /** As SamplingProgressed.step, or "refused". */
  readonly step: "accepted" | "refused" | "started" | "processing" | "reading" | "uploading" | "finished";
  /** Of "reading": 0 to 100. */
  readonly percent?: number;
  /** Of "refused". */
  readonly error?: string;
}

const STEPS = {
  sampleStarted: "started",
  sampleProcessing: "processing",
  sampleReading: "reading",
  sampleUploading: "uploading",
  sampleFinished: "finished",
} as const;

/** Keys of messages that tell of a sampling. */
export const NOTICES = ["sample", ...Object.keys(STEPS)] as const;

/** A message with one of {@link NOTICES}; undefined: it says nothing. @param version of the protocol */
export function readNotice(message: Message, version: number): Notice | undefined {
  const { sample } = message;
  if (sample === true) return { step: "accepted" };
  if (sample === false) return { step: "refused", error: errorOf(message) };
  const key = Object.keys(STEPS).find((name) => message[name] === true) as keyof typeof STEPS | undefined;
  if (key === undefined) return undefined;
  const step = STEPS[key];
  const { progressPercentage: percent } = message;
  // Up to version 2 it means nothing.
  const tells = step === "reading" && version > 2 && typeof percent === "number" && Number.isFinite(percent);
  return tells ? { step, percent: Math.min(100, Math.max(0, percent)) } : { step };
}

/** `error` is what all clients send; `err` is what the documentation says. */
export function errorOf({ error, err }: Message): string {
  const told = typeof error === "string" ? error : err;
  return typeof told === "string" && told !== ""
    ? told.slice(0, limits.textLength)
    : "the device did not say why";
}
