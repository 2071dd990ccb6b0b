import { limits } from "@fieldlog/contracts";

/** Pings that a device may leave without any sign of life. */
const MISSED = 2;

/** Whether a device is still there: it is pinged, and everything that comes from it is a sign. Reads no clock. */
export class KeepAlive {
  private unanswered = 0;

  /** @param pingedAt ms since 1970 UTC, as all times here */
  constructor(private pingedAt: number) {}

  heard(): void {
    this.unanswered = 0;
  }

  /** What is to be done now. */
  tick(now: number): "ping" | "gone" | undefined {
    if (now - this.pingedAt < limits.remotePingMs) return undefined;
    if (this.unanswered >= MISSED) return "gone";
    this.unanswered++;
    this.pingedAt = now;
    return "ping";
  }
}
