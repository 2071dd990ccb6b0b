import { limits } from "@fieldlog/contracts";
import { base64Bytes } from "../base64.js";
import type { Message } from "../codec.js";

/** What a device's model saw at one time. */
export interface Record {
  /** Counts up on the device, and begins anew when its storage is emptied. */
  readonly index: number;
  /** By the device's clock, as it says it. */
  readonly timestamp: number;
  /** JSON, as it came. */
  readonly seen: { readonly result?: unknown; readonly timing?: unknown };
  readonly rawData: RawData | undefined;
}

/** What the model was shown. */
export interface RawData {
  /** "jpg", "wav". */
  readonly type: string;
  readonly base64: string;
  readonly bytes: Buffer;
}

/** What a device sends as a record is none. The message is for the device. */
export class NoRecord extends Error {
  override readonly name = "NoRecord";
}

const TYPE = /^[a-z0-9]{1,8}$/;

/** A record as it is seen (`impulseRecord`), or as it was asked for (`record`). Raises NoRecord. */
export function readRecord(message: Message): Record {
  const { impulseRecord, record, index, timestamp, rawData } = message;
  const seen = impulseRecord ?? record;
  if (!isIndex(index)) throw new NoRecord("index: must be a whole number from 0");
  if (typeof timestamp !== "number" || !Number.isFinite(timestamp)) {
    throw new NoRecord("timestamp: must be a number");
  }
  if (typeof seen !== "object" || seen === null || Array.isArray(seen)) {
    throw new NoRecord("impulseRecord: must be a map of keys");
  }
  return { index, timestamp, seen, rawData: rawDataOf(rawData) };
}

export function isIndex(index: unknown): index is number {
  return typeof index === "number" && Number.isSafeInteger(index) && index >= 0;
}

function rawDataOf(rawData: unknown): RawData | undefined {
  if (rawData === undefined || rawData === null) return undefined;
  const { type, bufferBase64: base64 } = rawData as { type?: unknown; bufferBase64?: unknown };
  if (typeof type !== "string" || !TYPE.test(type)) throw new NoRecord("rawData.type: is not right");
  if (typeof base64 !== "string") throw new NoRecord("rawData.bufferBase64: must be a text");
  if (base64.length > limits.remoteFrameBytes) throw new NoRecord("rawData.bufferBase64: is too long");
  const bytes = base64Bytes(base64);
  if (bytes === undefined) throw new NoRecord("rawData.bufferBase64: is not base64");
  return { type, base64, bytes };
}
