import { setTimeout as sleep } from "node:timers/promises";
import { RpcError } from "@fieldlog/rpc";
import type { Logger } from "@fieldlog/runtime";
import type { DeviceSession } from "./feature.js";

/** Calls that wait for the one before them, times that one is tried, and milliseconds between. */
const WAITING = 64;
const ATTEMPTS = 20;
const PAUSE_MS = 500;
const AGAIN: ReadonlySet<string> = new Set(["unavailable", "deadline_exceeded", "aborted"]);

/** Calls on behalf of one device, one after another: what a service cannot take now is tried again before the next. */
export class Calls {
  private last: Promise<void> = Promise.resolve();
  private waiting = 0;

  constructor(
    private readonly logger: Pick<Logger, "warn">,
    private readonly device: Pick<DeviceSession, "namespace" | "device">,
  ) {}

  /** Resolves when all that were made are over. */
  idle(): Promise<void> {
    return this.last;
  }

  make(call: () => Promise<unknown>): void {
    if (this.waiting >= WAITING) return;
    this.waiting++;
    this.last = this.last.then(async () => {
      await this.try(call);
      this.waiting--;
    });
  }

  private async try(call: () => Promise<unknown>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await call();
        return;
      } catch (err) {
        const again = err instanceof RpcError && AGAIN.has(err.code) && attempt < ATTEMPTS;
        if (!again) {
          const { namespace, device } = this.device;
          this.logger.warn({ err, namespace, device }, "the sampling service was not told what a device did");
          return;
        }
        await sleep(PAUSE_MS, undefined, { ref: false });
      }
    }
  }
}
