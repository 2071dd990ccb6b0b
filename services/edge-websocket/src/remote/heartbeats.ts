import { encodeSignal } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { type EventLog, LogUnavailable, QueueFull } from "@fieldlog/event-log";
import type { DeviceSession } from "./feature.js";

export interface HeartbeatsParts {
  readonly log: Pick<EventLog, "signals">;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** Milliseconds after which one is tried again that the log did not take. */
const AGAIN_MS = 5_000;

/** Says in the log that a device is there, on its behalf: it says so by being connected. */
export class Heartbeats {
  private count = 0;
  private begun = false;
  private dueAt = 0;

  constructor(
    private readonly parts: HeartbeatsParts,
    private readonly device: Pick<DeviceSession, "namespace" | "device" | "connection">,
  ) {}

  /** Once a second. */
  tick(now: number): void {
    if (now < this.dueAt) return;
    this.dueAt = now + limits.remoteHeartbeatMs;
    void this.tell(this.begun ? "" : "restart").then((told) => {
      if (!told) this.dueAt = now + AGAIN_MS;
    });
  }

  /** The device has gone. */
  async quit(): Promise<void> {
    if (this.begun) await this.tell("quit");
  }

  private async tell(status: string): Promise<boolean> {
    const { namespace, device, connection } = this.device;
    const now = this.parts.now();
    const heartbeat = encodeSignal({
      ...{ device, identity: `remote/${connection}/${this.count++}`, digest: undefined, traceParent: "" },
      ...{ receivedAt: now, occurredAt: now, sentAt: undefined, location: undefined, publication: undefined },
      body: {
        case: "heartbeat",
        value: {
          status,
          rates: [],
          connectedSensors: [],
          disconnectedSensors: [],
          latestRequestId: undefined,
        },
      },
    });
    try {
      await this.parts.log.signals.append(namespace, heartbeat);
      this.begun = true;
      return true;
    } catch (error) {
      if (error instanceof LogUnavailable || error instanceof QueueFull) return false;
      throw error;
    }
  }
}
