import type { Quake } from "../network/catalogue.js";
import type { Occurrence, Pick } from "../network/replay.js";
import { travelMs } from "../network/waves.js";
import type { ReadPick } from "./read-back.js";

/** An earthquake whose picks have come back. */
export interface SeenQuake {
  readonly quake: Quake;
  /** Stations whose picks came back. */
  readonly stations: number;
  /** Stations that picked it. */
  readonly expected: number;
  /** Milliseconds from the sending of each pick to its being read, ascending. */
  readonly lateMs: readonly number[];
}

interface Open {
  readonly occurrence: Occurrence;
  readonly picks: ReadonlyMap<string, Pick>;
  readonly lastArrival: number;
  readonly lateMs: Map<string, number>;
}

/** How far a pick's time may be from what distance and speed of the wave say. */
const TOLERANCE_MS = 5;

/** How long after the last wave's arrival an incomplete earthquake is waited for. */
export const GRACE_MS = 5_000;

/**
 * Says to which earthquake a pick that came back belongs: the one at whose origin time the wave must have
 * left to reach that station when it did. A real network has to find the earthquake first; the simulator
 * knows which ones it let happen.
 */
export class Association {
  readonly #open = new Set<Open>();

  /** Picks are expected by the device that sends them. */
  expect(occurrence: Occurrence, picks: ReadonlyMap<string, Pick>): void {
    const lastArrival = Math.max(...[...picks.values()].map((pick) => pick.time));
    this.#open.add({ occurrence, picks, lastArrival, lateMs: new Map() });
  }

  /** Earthquakes whose picks have not all come back. */
  get open(): number {
    return this.#open.size;
  }

  /** Whether any pick that was sent by then has not come back. */
  awaits(now: number): boolean {
    for (const { picks, lateMs } of this.#open) {
      for (const [device, pick] of picks) if (pick.time <= now && !lateMs.has(device)) return true;
    }
    return false;
  }

  observe(read: ReadPick, seenAt: number): void {
    let best: { open: Open; offBy: number } | undefined;
    for (const open of this.#open) {
      const pick = open.picks.get(read.device);
      if (!pick || open.lateMs.has(read.device)) continue;
      const origin = read.time - travelMs(open.occurrence.quake, pick.station);
      const offBy = Math.abs(origin - open.occurrence.origin);
      if (offBy <= TOLERANCE_MS && (!best || offBy < best.offBy)) best = { open, offBy };
    }
    best?.open.lateMs.set(read.device, Math.max(0, seenAt - read.sentAt));
  }

  /** Takes out the earthquakes that are complete, or for which it is not worth waiting any longer. */
  finished(now: number): SeenQuake[] {
    const seen: SeenQuake[] = [];
    for (const open of this.#open) {
      if (open.lateMs.size < open.picks.size && now < open.lastArrival + GRACE_MS) continue;
      this.#open.delete(open);
      const lateMs = [...open.lateMs.values()].sort((a, b) => a - b);
      const { quake } = open.occurrence;
      seen.push({ quake, stations: lateMs.length, expected: open.picks.size, lateMs });
    }
    return seen;
  }
}
