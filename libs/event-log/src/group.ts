import { setTimeout as delay } from "node:timers/promises";
import type { StreamName } from "@fieldlog/contracts";
import {
  AckPolicy,
  type ConsumerInfo,
  type ConsumerMessages,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type JsMsg,
} from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "@nats-io/transport-node";
import { unavailable } from "./errors.js";
import { leaderHas } from "./message.js";
import { type Commit, StoredCommit } from "./read.js";

export interface GroupOptions {
  readonly stream: StreamName;
  /** Of its consumer: letters, digits, `-` and `_`. */
  readonly name: string;
  readonly subject: string;
  /** Sequence after which it begins, where it does not exist yet. */
  readonly after: number;
  /** Seconds without a reader after which the server forgets its place. */
  readonly inactiveS: number;
}

/** A commit that one reader of a group got, and has to settle. */
export interface Handout extends Commit {
  /** It was handed out before. */
  readonly again: boolean;
  /** It is done with. */
  ack(): void;
  /** Another reader, or this one, is to get it again. */
  giveBack(): void;
}

export interface FollowOptions {
  /** Resolves to how many commits may be asked for next; at least 1. */
  readonly room: () => Promise<number>;
  readonly take: (handout: Handout) => void;
  readonly signal: AbortSignal;
  readonly onInterruption?: (error: Error) => void;
}

/** Milliseconds after which the commits of a reader that died are handed out again. */
const ACK_WAIT_MS = 10_000;
const WORKING_MS = 3_000;
const PULL_EXPIRES_MS = 10_000;
const PAUSE_MS = 250;
/** Commits that all readers together may hold. */
const MAX_HELD = 1_024;

/** Readers that share a stream's commits: each commit goes to one of them, until it is acknowledged. */
export class Group {
  /** What this reader has and has not settled, by sequence. */
  private readonly held = new Map<number, JsMsg>();
  private newest: number;

  private constructor(
    private readonly nc: NatsConnection,
    private readonly jsm: JetStreamManager,
    private readonly options: GroupOptions,
  ) {
    this.newest = options.after;
  }

  /** Makes its consumer where there is none; one that exists keeps its place. Raises LogUnavailable. */
  static async open(nc: NatsConnection, jsm: JetStreamManager, options: GroupOptions): Promise<Group> {
    const group = new Group(nc, jsm, options);
    try {
      await group.ensure();
    } catch (error) {
      throw unavailable(error);
    }
    return group;
  }

  /** Takes commits until it is told to stop, whatever happens to the connection; then gives back what it holds. */
  async follow(options: FollowOptions): Promise<void> {
    const { signal } = options;
    const working = setInterval(() => {
      for (const message of this.held.values()) message.working();
    }, WORKING_MS);
    try {
      while (!signal.aborted) {
        try {
          await this.pull(options);
        } catch (error) {
          if (signal.aborted) break;
          options.onInterruption?.(error as Error);
          await delay(PAUSE_MS, undefined, { signal }).catch(() => undefined);
          if (!signal.aborted) await this.ensure().catch(options.onInterruption);
        }
      }
    } finally {
      clearInterval(working);
      for (const message of this.held.values()) message.nak();
      this.held.clear();
    }
  }

  /** Forgets the place. */
  async delete(): Promise<void> {
    await this.jsm.consumers.delete(this.options.stream, this.options.name).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  }

  private async pull({ room, take, signal }: FollowOptions): Promise<void> {
    const { stream, name } = this.options;
    let idle = 0;
    const consumer = await this.jsm.jetstream().consumers.get(stream, name);
    let current: ConsumerMessages | undefined;
    const stop = () => void current?.close();
    signal.addEventListener("abort", stop);
    try {
      while (!signal.aborted) {
        const count = await room();
        if (signal.aborted) return;
        current = await consumer.fetch({ max_messages: count, expires: PULL_EXPIRES_MS });
        if (signal.aborted) stop();
        idle++;
        for await (const message of current) {
          idle = 0;
          if (signal.aborted) message.nak();
          else this.hand(message, take);
        }
        if (idle >= 2 && !signal.aborted) await this.wake();
      }
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  /** Lets another server lead the consumer, where the one that does has a copy that lacks what the stream's leader has. */
  private async wake(): Promise<void> {
    const { stream, name, subject } = this.options;
    const { delivered, num_ack_pending } = await this.jsm.consumers.info(stream, name);
    if (num_ack_pending > 0) return;
    if ((await leaderHas(this.jsm, stream, { after: delivered.stream_seq, subject })) !== true) return;
    await this.nc.request(`$JS.API.CONSUMER.LEADER.STEPDOWN.${stream}.${name}`);
  }

  private hand(message: JsMsg, take: (handout: Handout) => void): void {
    const { seq } = message;
    this.newest = Math.max(this.newest, seq);
    this.held.set(seq, message);
    take(
      new HandedOut(this.options.stream, seq, message, (settle) => {
        // Handed out again meanwhile: what holds is the later one.
        if (this.held.get(seq) !== message) return;
        this.held.delete(seq);
        settle(message);
      }),
    );
  }

  private async ensure(): Promise<void> {
    const { stream, name, subject, inactiveS } = this.options;
    const inactive_threshold = nanos(inactiveS * 1000);
    const found = await this.find();
    if (found !== undefined) {
      if ((found.config.inactive_threshold ?? 0) < inactive_threshold) {
        await this.jsm.consumers.update(stream, name, { ...found.config, inactive_threshold });
      }
      return;
    }
    const after = Math.min(this.newest, ...[...this.held.keys()].map((seq) => seq - 1));
    try {
      await this.jsm.consumers.add(stream, {
        durable_name: name,
        filter_subject: subject,
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(ACK_WAIT_MS),
        max_ack_pending: MAX_HELD,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: after + 1,
        inactive_threshold,
      });
    } catch (error) {
      // Another reader made it at the same time, perhaps with another place to begin.
      if ((await this.find()) === undefined) throw error;
    }
  }

  private async find(): Promise<ConsumerInfo | undefined> {
    try {
      return await this.jsm.consumers.info(this.options.stream, this.options.name);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }
}

/** The names of a stream's groups that begin so and have no reader now. */
export async function idleGroups(
  jsm: JetStreamManager,
  stream: StreamName,
  prefix: string,
): Promise<string[]> {
  const idle: string[] = [];
  for await (const info of jsm.consumers.list(stream)) {
    if (info.name.startsWith(prefix) && info.num_waiting === 0 && info.num_ack_pending === 0) {
      idle.push(info.name);
    }
  }
  return idle;
}

class HandedOut extends StoredCommit implements Handout {
  readonly again: boolean;

  constructor(
    stream: StreamName,
    sequence: number,
    message: JsMsg,
    private readonly settle: (how: (message: JsMsg) => void) => void,
  ) {
    super(stream, sequence, message);
    this.again = message.redelivered;
  }

  ack(): void {
    this.settle((message) => message.ack());
  }
  giveBack(): void {
    this.settle((message) => message.nak());
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound;
}
