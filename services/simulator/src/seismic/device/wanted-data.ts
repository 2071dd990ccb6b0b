import type { saf } from "@fieldlog/contracts";
import { csnTime } from "./csn-date.js";
import { FILE_MS, SPACING_MS } from "./recorder.js";

/** A stretch of recorded data: ms since 1970 UTC. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  /** The request that it answers; undefined: current data. */
  readonly request?: bigint;
}

/** Stretches that wait to be offered; beyond it the newest are left out. */
const WAITING = 100;
/** Offers in one message, as in the real stations. */
const OFFERS = 10;

/** What the server has asked a station for, and what of it is still to be offered. */
export class WantedData {
  /** The newest request that it knows of. */
  latest = 0n;
  #waiting: Stretch[] = [];
  /** Until when current data were offered; undefined: nobody wants any. */
  #currentUntil: number | undefined;

  /** Takes in the answer to a heartbeat that was sent then. */
  heard(answer: saf.HeartbeatResponse, sentAt: number): void {
    for (const request of answer.dataRequests) {
      if (request.provideCurrentData) this.#currentUntil ??= sentAt;
      else this.#want(request);
    }
    if (answer.latestRequestId > this.latest) this.latest = answer.latestRequestId;
  }

  /** Stretches that lie in the past by now, oldest first; what is taken has to be given back if it was not offered. */
  take(now: number): Stretch[] {
    const due = this.#waiting.filter(({ end }) => end <= now).slice(0, OFFERS);
    this.#waiting = this.#waiting.filter((stretch) => !due.includes(stretch));
    return due;
  }

  giveBack(stretches: readonly Stretch[]): void {
    this.#waiting.unshift(...stretches);
  }

  /** What was recorded since current data were offered last, if anybody wants them. */
  takeCurrent(now: number): Stretch | undefined {
    if (this.#currentUntil === undefined || now - this.#currentUntil < SPACING_MS) return undefined;
    const start = Math.max(this.#currentUntil, now - FILE_MS);
    this.#currentUntil = now;
    return { start, end: now };
  }

  /** Current data were not wanted any more. */
  stopCurrent(): void {
    this.#currentUntil = undefined;
  }

  #want({ requestId, startDate, endDate }: saf.HeartbeatResponse_DataRequest): void {
    const [from, to] = [csnTime(startDate), csnTime(endDate)];
    if (from === undefined || to === undefined) return;
    for (let start = from; start < to && this.#waiting.length < WAITING; start += FILE_MS) {
      this.#waiting.push({ start, end: Math.min(to, start + FILE_MS), request: requestId });
    }
  }
}
