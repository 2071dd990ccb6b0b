import { randomUUID } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CLEARING,
  limits,
  namespaceOfSignals,
  REGISTRY,
  registry,
  registrySubject,
  SIGNALS,
  type StreamName,
  signals,
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
  /** SIGNALS sequence of the `Cleared` commit. Absent: SIGNALS is not cleared yet. */
  readonly signalsBefore?: number;
  /** REGISTRY sequence of the first decision of this clearing. Absent: this is the first. */
  readonly registryBefore?: number;
}

/** Sequences below which commits may be missing from the logs, since they were cleared. */
export interface ClearedBelow {
  readonly signals: number;
  readonly registry: number;
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

  /** As of now. Raises LogUnavailable. */
  below(): Promise<ClearedBelow> {
    return clearedBelow(this.jsm);
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
        // Of a device nothing is missing from SIGNALS: a commit holds those of many.
        highestSignals: BigInt(Math.max(last.below.signals, device === "" ? signalsBefore : 0)),
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
   * Appends the commit to SIGNALS behind which the part begins anew; it stands alone.
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
    return await publish(this.js, { subject: signalsSubject(namespace), data, stream: SIGNALS });
  }

  /**
   * Removes what has the subject (wildcards allowed) and stands before a sequence that was recorded. Asked
   * twice, removes the rest.
   *
   * @returns how many commits were removed
   * @throws LogUnavailable, RangeError if it was not recorded
   */
  async purge(stream: StreamName, subject: string, before: number): Promise<number> {
    const recorded = await this.below();
    const limit = stream === SIGNALS ? recorded.signals : recorded.registry;
    if (before > limit) throw new RangeError(`${stream} is not recorded as cleared up to ${before}`);
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
export async function clearedBelow(jsm: JetStreamManager): Promise<ClearedBelow> {
  return (await newest(jsm)).below;
}

async function newest(jsm: JetStreamManager): Promise<{ sequence: number; below: ClearedBelow }> {
  const query = { last_by_subj: CLEARING_SUBJECT };
  const message = await messageOrNull(jsm, REGISTRY, query).catch((error: unknown) => {
    throw unavailable(error);
  });
  if (message === null) return { sequence: 0, below: { signals: 0, registry: 0 } };
  const event = clearingIn(message.data);
  const highest = Number(event?.highestSignals ?? 0);
  return { sequence: message.seq, below: { signals: highest, registry: message.seq } };
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

/** What a commit of SIGNALS clears; undefined: nothing. Looks closer only at what may be one that does. */
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
  // The second one of a clearing only tells where SIGNALS is cleared.
  if (event === undefined || event.registryBefore !== 0n) return undefined;
  return partOf(event.namespace, event.device);
}

/** What a commit clears in its own stream; undefined: nothing. */
export function clearedBy(commit: StoredData): ClearedPart | undefined {
  return commit.stream === SIGNALS ? clearedBySignals(commit) : clearedByRegistry(commit);
}

function partOf(namespace: string, device: string): ClearedPart {
  return device === "" ? { namespace } : { namespace, device };
}
