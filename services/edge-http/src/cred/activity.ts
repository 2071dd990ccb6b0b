import { atMost, deviceKey, encodeSignal, type HeartbeatDraft, type OwnWrites } from "@fieldlog/admission";
import { limits, SIGNALS, sequenceOf } from "@fieldlog/contracts";
import { type EventLog, LogUnavailable, QueueFull } from "@fieldlog/event-log";
import type { Logger } from "@fieldlog/runtime";
import { LRUCache } from "lru-cache";

const BEAT: HeartbeatDraft = {
  ...{ status: "", rates: [], connectedSensors: [], disconnectedSensors: [], latestRequestId: undefined },
};

type Device = { readonly namespace: string; readonly device: string };

export interface ActivityParts {
  readonly log: Pick<EventLog, "signals">;
  readonly ownWrites: OwnWrites;
  readonly logger: Pick<Logger, "error">;
  readonly pingTimeoutS: number;
  readonly now: () => number;
}

/**
 * B8: every request shows that its client is there. It is written to the log as a heartbeat, of each client at most
 * one in a twentieth of the ping time-out, and in half a second.
 */
export class Activity {
  /** ms since 1970, by device. */
  private readonly written = new LRUCache<string, number>(atMost(limits.cachedDevices));
  private readonly everyMs: number;

  constructor(private readonly parts: ActivityParts) {
    this.everyMs = Math.max(500, (parts.pingTimeoutS * 1_000) / 20);
  }

  /** Resolves when the log has it or cannot take it just now; then the client's next request tries again. */
  async heard({ namespace, device }: Device): Promise<void> {
    const key = deviceKey(namespace, device);
    const now = this.parts.now();
    if (now - (this.written.get(key) ?? 0) < this.everyMs) return;
    this.written.set(key, now);
    try {
      await this.write(namespace, device, now);
    } catch (error) {
      this.written.delete(key);
      if (error instanceof LogUnavailable || error instanceof QueueFull) return;
      this.parts.logger.error({ err: error, namespace, device }, "a heartbeat was not written");
    }
  }

  /** Something else of the client is in the log now, which shows as much. */
  wrote({ namespace, device }: Device): void {
    this.written.set(deviceKey(namespace, device), this.parts.now());
  }

  private async write(namespace: string, device: string, now: number): Promise<void> {
    const bytes = encodeSignal({
      ...{ device, identity: "", digest: undefined, receivedAt: now, occurredAt: now, sentAt: undefined },
      ...{ location: undefined, traceParent: "", publication: undefined },
      body: { case: "heartbeat", value: BEAT },
    });
    const position = await this.parts.log.signals.append(namespace, bytes);
    this.parts.ownWrites.note(namespace, SIGNALS, sequenceOf(position));
  }
}
