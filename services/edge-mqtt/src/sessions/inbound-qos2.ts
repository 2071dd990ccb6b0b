import { setTimeout as sleep } from "node:timers/promises";
import { limits, signalsStream, signalsSubject } from "@fieldlog/contracts";
import { decodeBatch, type EventLog } from "@fieldlog/event-log";
import { nuid } from "@nats-io/transport-node";
import type { KeptInbound } from "./record.js";

export interface InboundParts {
  readonly log: Pick<EventLog, "read" | "settledEnd">;
  readonly namespace: string;
  /** Resolves when what is recorded here is durable; undefined: the session ends with its connection. */
  readonly save: (() => Promise<void>) | undefined;
  /** A sequence that the log has reached; the newer, the less there is to search. Raises LogUnavailable. */
  readonly reached: () => Promise<number>;
}

interface Inbound {
  readonly identity: string;
  readonly sequence: number;
  readonly digest: string;
  stored: boolean;
  /** ms since 1970 UTC: when it was last given to be appended, on this connection; 0: it was not. */
  askedAt: number;
}

const STEP_MS = 50;

/** Messages with QoS 2 from the client, each stored once: section 4.3.3, the receiver's side. */
export class InboundQos2 {
  private entries: Map<number, Inbound> | undefined;

  constructor(
    private readonly parts: InboundParts,
    kept: readonly KeptInbound[],
  ) {
    for (const { packetId, ...entry } of kept) {
      this.set(packetId, { ...entry, askedAt: 0 });
    }
  }

  /** See {@link Session.receiveQos2}. */
  async receive(
    packetId: number,
    dup: boolean,
    digest: string,
  ): Promise<{ identity: string; stored: boolean }> {
    const known = this.entries?.get(packetId);
    // Until it is released it is the same message [MQTT-4.3.3-10]; real clients send it again without DUP.
    if (known !== undefined && (dup || known.digest === digest)) return this.resent(known);
    // Another message under an id that was not released: the client has forgotten the old one.
    const sequence = await this.parts.reached();
    const entry: Inbound = { identity: nuid.next(), sequence, digest, stored: false, askedAt: 0 };
    this.set(packetId, entry);
    await this.parts.save?.();
    entry.askedAt = Date.now();
    return { identity: entry.identity, stored: false };
  }

  stored(packetId: number): void {
    const entry = this.entries?.get(packetId);
    if (entry !== undefined) entry.stored = true;
  }

  refused(packetId: number): void {
    this.entries?.delete(packetId);
  }

  async release(packetId: number): Promise<boolean> {
    const known = this.entries?.delete(packetId) ?? false;
    if (known) await this.parts.save?.();
    return known;
  }

  /** Waits, but not longer than an append may take, until it is known of each message whether it was stored. */
  async settled(longestMs: number): Promise<void> {
    if (this.entries === undefined) return;
    const until = Date.now() + longestMs;
    while (Date.now() < until && [...this.entries.values()].some(isUnderWay)) await sleep(STEP_MS);
  }

  kept(): KeptInbound[] {
    if (this.entries === undefined) return [];
    return [...this.entries].map(([packetId, { identity, sequence, stored, digest }]) => ({
      ...{ packetId, identity, sequence, stored, digest },
    }));
  }

  private set(packetId: number, entry: Inbound): void {
    this.entries ??= new Map();
    this.entries.set(packetId, entry);
  }

  private async resent(entry: Inbound): Promise<{ identity: string; stored: boolean }> {
    const { identity } = entry;
    while (isUnderWay(entry)) await sleep(STEP_MS);
    if (!entry.stored) entry.stored = await this.search(entry);
    if (!entry.stored) entry.askedAt = Date.now();
    return { identity, stored: entry.stored };
  }

  private async search({ identity, sequence }: Inbound): Promise<boolean> {
    const { log, namespace } = this.parts;
    const stream = signalsStream(namespace);
    const until = await log.settledEnd(stream);
    if (until <= sequence) return false;
    const subject = signalsSubject(namespace);
    for await (const commits of log.read(stream, { after: sequence, subject, until, pull: 16 })) {
      for (const { data } of commits) {
        const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
        if (!bytes.includes(identity)) continue;
        if (decodeBatch(data).some((signal) => signal.identity === identity)) return true;
      }
    }
    return false;
  }
}

function isUnderWay({ stored, askedAt }: Inbound): boolean {
  return !stored && Date.now() - askedAt < limits.appendTimeoutMs + 500;
}
