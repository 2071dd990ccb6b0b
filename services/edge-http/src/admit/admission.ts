import { type Digest, encodeSignal, type OwnWrites, type SignalDraft } from "@fieldlog/admission";
import { type Position, SIGNALS, sequenceOf } from "@fieldlog/contracts";
import { type EventLog, LogUnavailable, QueueFull, SignalTooLarge } from "@fieldlog/event-log";
import type { ReplayGuard } from "./replay-guard.js";

/**
 * What became of a signed message:
 * - `stored`: it is in the log, flushed
 * - `resend`: it was in the log already
 * - `used`, `too-old`: see {@link ReplayGuard}; nothing was stored
 * - `unavailable`: the log did not take it; the same message may be sent again
 * - `too-large`: no log takes it
 */
export type Outcome =
  | { readonly kind: "stored"; readonly position: Position }
  | { readonly kind: "unavailable"; readonly retryAfterS: number }
  | { readonly kind: "resend" }
  | { readonly kind: "used" | "too-old" | "too-large" };

/** A signed message's signal: what tells it from another under its id is never missing. */
export interface SignedDraft extends SignalDraft {
  digest: Digest;
  sentAt: number;
}

export interface AdmissionParts {
  readonly log: Pick<EventLog, "signals">;
  readonly guard: ReplayGuard;
  readonly ownWrites: OwnWrites;
  /** Told of each commit of this edge. */
  readonly onCommit: (namespace: string, sequence: number) => void;
}

const RESEND: Outcome = { kind: "resend" };
const USED: Outcome = { kind: "used" };
const TOO_OLD: Outcome = { kind: "too-old" };
const TOO_LARGE: Outcome = { kind: "too-large" };

/** Lets each message id of a device into the log once: reserve, append, settle. */
export class Admission {
  /** Appends that have not ended, by device and message id; as many as wait for the log. */
  private readonly underWay = new Map<string, Promise<Outcome>>();

  constructor(private readonly parts: AdmissionParts) {}

  /**
   * @param key the device, see `deviceKey`
   * @param namespace id
   * @param id message id of the device
   */
  append(key: string, namespace: string, id: number, signal: SignedDraft): Outcome | Promise<Outcome> {
    const { guard } = this.parts;
    const bytes = encodeSignal(signal);
    switch (guard.reserve(key, id, signal.digest, signal.sentAt, signal.receivedAt)) {
      case "new": {
        const name = `${key}/${id}`;
        const outcome = this.store(key, namespace, id, signal, bytes);
        this.underWay.set(name, outcome);
        return outcome;
      }
      case "pending":
        return this.underWay.get(`${key}/${id}`) ?? RESEND;
      case "resend":
        return RESEND;
      case "used":
        return USED;
      case "too-old":
        return TOO_OLD;
    }
  }

  private async store(
    key: string,
    namespace: string,
    id: number,
    signal: SignedDraft,
    bytes: Uint8Array,
  ): Promise<Outcome> {
    const { guard, log, ownWrites, onCommit } = this.parts;
    let stored = false;
    try {
      const traceParent = signal.traceParent === "" ? undefined : signal.traceParent;
      const position = await log.signals.append(namespace, bytes, traceParent);
      stored = true;
      const sequence = sequenceOf(position);
      onCommit(namespace, sequence);
      ownWrites.note(namespace, SIGNALS, sequence);
      return { kind: "stored", position };
    } catch (error) {
      return refusalOf(error);
    } finally {
      guard.settle(key, id, signal.digest, stored);
      this.underWay.delete(`${key}/${id}`);
    }
  }
}

function refusalOf(error: unknown): Outcome {
  if (error instanceof LogUnavailable || error instanceof QueueFull) {
    return { kind: "unavailable", retryAfterS: error.retryAfterS };
  }
  if (error instanceof SignalTooLarge) return TOO_LARGE;
  throw error;
}
