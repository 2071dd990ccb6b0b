import { setTimeout as sleep } from "node:timers/promises";
import type { Machine } from "../system/machine.js";

const LOOK_MS = 100;

/**
 * Does for one process what an init system does: starts it again when it has ended. That it ended although nobody
 * ended it is remembered; while it starts, with others down, it may give up and is started once more.
 */
export class Keeper {
  /** How often it ended by itself, after it had been ready. */
  endings = 0;
  /** How often it gave up while it started. */
  failedStarts = 0;
  private wanted = true;
  private phase: "ready" | "starting" | "down" = "ready";

  constructor(readonly machine: Machine) {}

  /** Looks after it until `signal`. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.look();
      await sleep(LOOK_MS);
    }
  }

  async kill(): Promise<void> {
    this.wanted = false;
    this.phase = "down";
    await this.machine.kill();
  }

  async stop(): Promise<void> {
    this.wanted = false;
    this.phase = "down";
    await this.machine.stop();
  }

  /** It may run again. */
  release(): void {
    this.wanted = true;
    this.look();
  }

  private look(): void {
    if (!this.wanted || this.phase === "starting" || this.machine.pid !== 0) return;
    if (this.phase === "ready") this.endings++;
    this.phase = "starting";
    this.machine.start().then(
      () => {
        if (this.phase === "starting") this.phase = "ready";
      },
      () => {
        if (this.phase !== "starting") return;
        this.failedStarts++;
        this.phase = "down";
      },
    );
  }
}
