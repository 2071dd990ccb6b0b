import type { PickRate } from "./csn-messages.js";

/** The window over which a device counts its picks. */
export const WINDOW_S = 600;

/** Counts a sensor's picks of the last ten minutes, as the network's real clients do. */
export class RateWindow {
  readonly #startedAt: number;
  #times: number[] = [];

  constructor(now: number) {
    this.#startedAt = now;
  }

  add(time: number): void {
    this.#times.push(time);
  }

  /** Picks in the window that ends now; it is as long as the device has been running, at most ten minutes. */
  at(now: number): PickRate {
    this.#times = this.#times.filter((time) => time > now - WINDOW_S * 1000);
    const upS = Math.max(0, Math.round((now - this.#startedAt) / 1000));
    return { count: this.#times.length, windowS: Math.min(WINDOW_S, upS) };
  }
}
