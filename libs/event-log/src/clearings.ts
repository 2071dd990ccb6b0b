import { randomUUID } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CLEARING,
  limits,
  namespaceOfSignals,
  REGISTRY,
  registry,
  registrySubject,
  type StreamName,
  shardOf,
  shardOfStream,
  signals,
  signalsStream,
  signalsSubject,
} from "@fieldlog/contracts";
import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { decodeBatch, encodeBatch } from "./batch.js";
import { SequenceConflict, unavailable } from "./errors.js";
import { messageOrNull } from "./message.js";
import { publish } from "./publish.js";
import { Registry } from "./registry.js";

const CLEARING_SUBJECT = registrySubject(CLEARING);

/** What is cleared: a namespace, or one device of it. */
export interface ClearedPart {
  /** Id. */
  readonly namespace: string;
  /** Absent: the whole namespace. */
  readonly device?: string;
}

export interface NewClearing extends ClearedPart {
  /** Sequence of the `Cleared` commit. Absent: the namespace's signals are not cleared yet. */
  readonly signalsBefore?: number;
  /** REGISTRY sequence of the first decision of this clearing. Absent: this is the first. */
  readonly registryBefore?: number;
}

/** What was cleared in the installation, and the removal of it. */
export class Clearings {
  private readonly registry: Registry;

  constructor(
    private readonly js: JetStreamClient,
    private readonly jsm: JetStreamManager,
  ) {
    this.registry = new Registry(js, jsm);
  }

  /** The sequence below which commits may be missing from a stream, since they were cleared. Raises LogUnavailable. */
  below(stream: StreamName): Promise<number> {
    return clearedBelow(this.jsm, stream);
  }

  /**
   * Tells every reader of the logs; what it tells of may be purged from then on.
   *
   * @returns the decision's REGISTRY sequence; in REGISTRY it clears what stands before it
   * @throws LogUnavailable, SequenceConflict
   */
  async record(clearing: NewClearing, decidedBy: string, now: () => number = Date.now): Promise<number> {
    const { namespace, device = "", signalsBefore = 0, registryBefore = 0 } = clearing;
    for (let attempt = 1; ; attempt++) {
      const last = await newest(this.jsm);
      const value = {
        ...{ namespace, device },
        signalsBefore: BigInt(signalsBefore),
        registryBefore: BigInt(registryBefore),
        // Of a device nothing is missing from the signals: a commit holds those of many.
        ...raised(last.event, shardOf(namespace), device === "" ? signalsBefore : 0),
        highestRegistry: BigInt(last.sequence),
      };
      const decision = {
        events: [{ event: { case: "namespaceCleared" as const, value } }],
        decidedAt: BigInt(now()),
        decidedBy,
      };
      try {
        return await this.registry.append(CLEARING, decision, last.sequence);
      } catch (error) {
        if (!(error instanceof SequenceConflict) || attempt >= limits.decideAttempts) throw error;
      }
    }
  }

  /**
   * Appends the commit to the signals behind which the part begins anew; it stands alone.
   *
   * @returns its sequence
   * @throws LogUnavailable
   */
  async mark({ namespace, device = "" }: ClearedPart, now: () => number = Date.now): Promise<number> {
    const at = BigInt(now());
    const signal = create(signals.SignalSchema, {
      ...{ receivedAt: at, occurredAt: at, identity: randomUUID() },
      body: { case: "cleared", value: { device } },
    });
    const data = encodeBatch([toBinary(signals.SignalSchema, signal)]);
    const stream = signalsStream(namespace);
    return await publish(this.js, { subject: signalsSubject(namespace), data, stream });
  }

  /**
   * Removes what has the subject (wildcards allowed) and stands before a sequence that was recorded. Asked
   * twice, removes the rest.
   *
   * @returns how many commits were removed
   * @throws LogUnavailable, RangeError if it was not recorded
   */
  async purge(stream: StreamName, subject: string, before: number): Promise<number> {
    if (before > (await this.below(stream)))
      throw new RangeError(`${stream} is not recorded as cleared up to ${before}`);
    let removed = 0;
    try {
      for (let first = await this.next(stream, subject, 1); first < before; ) {
        const seq = Math.min(first + PURGED_AT_ONCE, before);
        const { purged } = await this.jsm.streams.purge(stream, { filter: subject, seq });
        removed += purged;
        first = await this.next(stream, subject, seq);
      }
    } catch (error) {
      throw unavailable(error);
    }
    return removed;
  }

  /** Whether a stream has anything with the subject (wildcards allowed). Raises LogUnavailable. */
  async has(stream: StreamName, subject: string): Promise<boolean> {
    try {
      return (await this.next(stream, subject, 1)) < Number.POSITIVE_INFINITY;
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** The first sequence from there on that has the subject; infinite: none. */
  private async next(stream: StreamName, subject: string, seq: number): Promise<number> {
    const query = { seq, next_by_subj: subject };
    const found = await messageOrNull(this.jsm, stream, query);
    return found?.seq ?? Number.POSITIVE_INFINITY;
  }
}

/** Sequences that are purged in one request, so that none takes longer than a request may, nor holds up appends. */
const PURGED_AT_ONCE = 100_000;

/** See {@link Clearings.below}. */
export async function clearedBelow(jsm: JetStreamManager, stream: StreamName): Promise<number> {
  const { sequence, event } = await newest(jsm);
  return stream === REGISTRY ? sequence : highestOf(event, shardOfStream(stream));
}

function highestOf(event: registry.NamespaceCleared | undefined, shard: number): number {
  return Number((shard === 0 ? event?.highestSignals : event?.highestOfShards[shard - 1]) ?? 0);
}

/** What the event before told of the shards, and of one of them no less than the sequence. */
function raised(event: registry.NamespaceCleared | undefined, shard: number, sequence: number) {
  const shards = Math.max(shard, event?.highestOfShards.length ?? 0) + 1;
  const [highestSignals = 0n, ...highestOfShards] = Array.from({ length: shards }, (_, each) =>
    BigInt(Math.max(highestOf(event, each), each === shard ? sequence : 0)),
  );
  return { highestSignals, highestOfShards };
}

/** The newest decision on the aggregate `clearing`; sequence 0: there is none. */
async function newest(jsm: JetStreamManager) {
  const query = { last_by_subj: CLEARING_SUBJECT };
  const message = await messageOrNull(jsm, REGISTRY, query).catch((error: unknown) => {
    throw unavailable(error);
  });
  if (message === null) return { sequence: 0, event: undefined };
  return { sequence: message.seq, event: clearingIn(message.data) };
}

/** What a decision on the aggregate `clearing` tells. */
export function clearingIn(data: Uint8Array): registry.NamespaceCleared | undefined {
  for (const { event } of fromBinary(registry.DecisionSchema, data).events) {
    if (event.case === "namespaceCleared") return event.value;
  }
  return undefined;
}

/** Of a commit, what tells whether it clears. */
interface StoredData {
  readonly stream: StreamName;
  readonly subject: string;
  readonly data: Uint8Array;
}

const CLEARED_BYTES = 1_024;
/** Tag of Signal.cleared: field 23, with a length. */
const CLEARED_TAG = Buffer.from([0xba, 0x01]);

/** What a commit of signals clears; undefined: nothing. Looks closer only at what may be one that does. */
function clearedBySignals({ subject, data }: StoredData): ClearedPart | undefined {
  if (data.length > CLEARED_BYTES) return undefined;
  if (!Buffer.from(data.buffer, data.byteOffset, data.length).includes(CLEARED_TAG)) return undefined;
  const [first, second] = decodeBatch(data);
  if (second !== undefined || first?.body.case !== "cleared" || first.device !== "") return undefined;
  return partOf(namespaceOfSignals(subject), first.body.value.device);
}

/** What a commit of REGISTRY clears in REGISTRY; undefined: nothing. */
function clearedByRegistry({ subject, data }: StoredData): ClearedPart | undefined {
  if (subject !== CLEARING_SUBJECT) return undefined;
  const event = clearingIn(data);
  // The second one of a clearing only tells where the signals are cleared.
  if (event === undefined || event.registryBefore !== 0n) return undefined;
  return partOf(event.namespace, event.device);
}

/** What a commit clears in its own stream; undefined: nothing. */
export function clearedBy(commit: StoredData): ClearedPart | undefined {
  return commit.stream === REGISTRY ? clearedByRegistry(commit) : clearedBySignals(commit);
}

function partOf(namespace: string, device: string): ClearedPart {
  return device === "" ? { namespace } : { namespace, device };
}
