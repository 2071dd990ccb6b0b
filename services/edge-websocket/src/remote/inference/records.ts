import { createHash } from "node:crypto";
import { limits, type remote } from "@fieldlog/contracts";
import { LogUnavailable, QueueFull, SignalTooLarge } from "@fieldlog/event-log";
import { ObjectsUnavailable } from "@fieldlog/objects";
import { RpcError } from "@fieldlog/rpc";
import type { Message } from "../codec.js";
import type { DeviceEvents } from "../device-events.js";
import type { DeviceFeature, DeviceSession } from "../feature.js";
import { errorOf } from "../notices.js";
import { checkRunsModel } from "./inference-stream.js";
import { isIndex, NoRecord, type Record, readRecord } from "./record.js";
import type { StoreRecord } from "./store-record.js";

/** Characters of a summary as JSON. */
const SUMMARY = 128 * 1024;

export interface RecordsParts {
  readonly store: Pick<StoreRecord, "store">;
  readonly events: Pick<DeviceEvents, "tell" | "note">;
  /** A record was not acknowledged. */
  readonly onRefused: () => void;
  readonly logger: { warn(fields: object, message: string): void };
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/**
 * What a device's model has seen (version 4): records as they are seen or as they are asked for, and a summary of each
 * minute. Each record is an event, and acknowledged by the very next frame, once that is on disk; else the client stops.
 * One is written after another; a device that sends more than that waits.
 */
export class Records implements DeviceFeature {
  readonly keys = ["impulseRecord", "impulseRecordsResponse", "inferenceSummary"];
  private turns: Promise<void> = Promise.resolve();
  private waiting = 0;
  private waitingBytes = 0;
  private isPaused = false;

  constructor(
    private readonly session: DeviceSession,
    private readonly parts: RecordsParts,
  ) {}

  asked(request: remote.RemoteRequest["request"]) {
    if (request.case !== "requestRecords") return undefined;
    checkRunsModel(this.session);
    this.session.send({ impulseRecordRequest: whichOf(request.value) });
    return {};
  }

  received(message: Message): void {
    if ("inferenceSummary" in message) this.summed(message["inferenceSummary"]);
    else if (message["impulseRecordsResponse"] === false) this.absent(message);
    else this.saw(message);
  }

  private saw(message: Message): void {
    let record: Record;
    try {
      record = readRecord(message);
    } catch (error) {
      if (!(error instanceof NoRecord)) throw error;
      this.session.answerFirst(Promise.resolve({ impulseRecordAck: false, error: error.message }));
      this.parts.onRefused();
      return;
    }
    const bytes = record.rawData?.base64.length ?? 0;
    this.begin(bytes);
    const answer = this.turns.then(() => this.answerTo(record));
    this.session.answerFirst(answer);
    this.turns = answer.then(() => this.end(bytes));
  }

  /** Never rejects. */
  private async answerTo(record: Record): Promise<object> {
    const { index } = record;
    try {
      await this.parts.store.store(record);
      return { impulseRecordAck: true, index };
    } catch (err) {
      const { device } = this.session;
      this.parts.logger.warn({ err, device, index }, "a record of inference could not be kept");
      this.parts.onRefused();
      return { impulseRecordAck: false, index, error: reasonOf(err) };
    }
  }

  private begin(bytes: number): void {
    this.waiting++;
    this.waitingBytes += bytes;
    const isFull =
      this.waiting >= limits.inferenceWaiting || this.waitingBytes >= limits.inferenceWaitingBytes;
    if (!isFull || this.isPaused) return;
    this.isPaused = true;
    this.session.pause();
  }

  private end(bytes: number): void {
    this.waiting--;
    this.waitingBytes -= bytes;
    if (!this.isPaused || this.waiting > limits.inferenceWaiting / 2) return;
    if (this.waitingBytes > limits.inferenceWaitingBytes / 2) return;
    this.isPaused = false;
    this.session.resume();
  }

  /** One that was asked for is not there; the client waits for an acknowledgement of that, too. */
  private absent(message: Message): void {
    const index = isIndex(message["index"]) ? { index: message["index"] } : {};
    this.parts.events.tell("InferenceRecordFailed", { ...index, error: errorOf(message) });
    this.session.answerFirst(this.turns.then(() => ({ impulseRecordAck: true, ...index })));
  }

  private summed(summary: unknown): void {
    if (typeof summary !== "object" || summary === null || Array.isArray(summary)) {
      this.session.refuse("inferenceSummary: must be a map of keys");
      return;
    }
    const data = Buffer.from(JSON.stringify(summary));
    if (data.length > SUMMARY) {
      this.session.refuse("inferenceSummary: is too long");
      return;
    }
    const hash = createHash("sha256").update(data).digest("hex").slice(0, 32);
    const identity = `inference-summary/${hash}`;
    this.parts.events.note({ name: "InferenceSummary", identity, occurredAt: this.parts.now(), data });
  }
}

function whichOf({ index, first, last, list }: remote.RequestRecords): object {
  if (index !== undefined) return { index: Number(index) };
  if (list.length > 0) return { list: list.map(Number) };
  return { range: { first: Number(first ?? 0n), last: Number(last ?? 0n) } };
}

/** What the device is told, which prints it. */
function reasonOf(error: unknown): string {
  if (error instanceof SignalTooLarge) return "the record is too large";
  const isPassing =
    error instanceof LogUnavailable ||
    error instanceof QueueFull ||
    error instanceof ObjectsUnavailable ||
    (error instanceof RpcError && error.code === "unavailable");
  return isPassing ? "the record cannot be kept now" : "the record could not be kept";
}
