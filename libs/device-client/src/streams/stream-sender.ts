import { DeviceClientError, InvalidOption } from "../errors.js";
import { encodeBag, type StreamProperties } from "./bag.js";
import { type Compression, compress } from "./compression.js";

export interface StreamSenderOptions {
  /** Absent: the namespace's default group. */
  readonly streamGroup?: string;
  /** Absent: the group's default stream. */
  readonly stream?: string;
  /** Default "uncompressed". */
  readonly compression?: Compression;
}

/** What a message is called; a stream may fill in what is absent. */
export interface MessageIds {
  readonly batchId?: string;
  readonly batchSliceId?: string;
  readonly messageId?: string;
  /** Messages with the same message id and growing chunk ids are one, which `enqueueMessageCompletion` ends. */
  readonly chunkId?: string;
}

/** Where a sender leaves its messages. */
export interface StreamOutlet {
  /** Resolves with its id when it is on the disk. Kept in the order of the calls. */
  store(message: Payload | Promise<Payload>): Promise<number>;
  /** Resolves when the platform has it. */
  sent(id: number): Promise<void>;
}

export interface Payload {
  readonly bag: string;
  readonly payload: Uint8Array;
}

const MOST_BYTES = 64 * 1024 * 1024;
const LONGEST_ID = 200;
const LONGEST_BAG = 800;

/** Sends messages to one stream of the platform. */
export class StreamSender {
  constructor(
    private readonly outlet: StreamOutlet,
    private readonly options: StreamSenderOptions,
  ) {}

  /**
   * Resolves when the message is on the disk: from then on it arrives, whatever happens, once. Rejects with OutboxFull,
   * InvalidOption, or DeviceClientError "payload-too-large" (above 64 MiB).
   */
  async enqueueMessage(payload: Uint8Array | string, ids: MessageIds = {}): Promise<void> {
    await this.store(payload, ids);
  }

  /** Resolves when the platform has the message, and all that were stored before it. Rejects as that, or MessageLost. */
  async sendMessage(payload: Uint8Array | string, ids: MessageIds = {}): Promise<void> {
    await this.outlet.sent(await this.store(payload, ids));
  }

  /** Ends the batch. */
  async enqueueBatchCompletion(batchId: string): Promise<void> {
    await this.complete({ batchId: givenId("batchId", batchId), completes: "batch" });
  }

  /** Ends a message of several chunks. */
  async enqueueMessageCompletion(batchId: string, messageId: string): Promise<void> {
    const ids = { batchId: givenId("batchId", batchId), messageId: givenId("messageId", messageId) };
    await this.complete({ ...ids, completes: "message" });
  }

  private complete(properties: StreamProperties): Promise<number> {
    return this.outlet.store({ bag: this.bagOf(properties), payload: new Uint8Array() });
  }

  private store(given: Uint8Array | string, ids: MessageIds): Promise<number> {
    // A copy: the caller may go on to write into its own.
    const payload = Buffer.from(given);
    if (payload.length > MOST_BYTES) {
      throw new DeviceClientError("payload-too-large", `a payload has at most ${MOST_BYTES} bytes`);
    }
    for (const name in ids) checkId(name, ids[name as keyof MessageIds]);
    const bag = this.bagOf(ids);
    const result = compress(payload, this.options.compression ?? "uncompressed");
    if (!(result instanceof Promise)) return this.outlet.store(this.message(result, bag, ids));
    return this.outlet.store(result.then((compressed) => this.message(compressed, bag, ids)));
  }

  private message(
    { payload, compressed }: { payload: Uint8Array; compressed: boolean },
    bag: string,
    ids: MessageIds,
  ): Payload {
    return { payload, bag: compressed ? this.bagOf({ ...ids, compressed }) : bag };
  }

  private bagOf(properties: StreamProperties): string {
    const { streamGroup, stream } = this.options;
    const bag = encodeBag({ streamGroup, stream, ...properties });
    if (bag.length > LONGEST_BAG) throw new InvalidOption("ids", "are too long together");
    return bag;
  }
}

function givenId(name: string, value: string | undefined): string {
  if (value === undefined) throw new InvalidOption(name, "is missing");
  checkId(name, value);
  return value;
}

function checkId(name: string, value: unknown): void {
  if (value === undefined) return;
  const isGood = typeof value === "string" && value.length <= LONGEST_ID && /^[^\0]+$/s.test(value);
  if (!isGood || !value.isWellFormed()) {
    throw new InvalidOption(name, `must be a text of 1 to ${LONGEST_ID} characters`);
  }
}
