import { type Position, sequenceOf, signalsStream, signalsSubject } from "@fieldlog/contracts";
import type { Commit, EventLog } from "@fieldlog/event-log";
import { readEvents } from "@fieldlog/events";

/** Events that are counted at most. */
export const MOST_EVENTS = 10_000;
/** Bytes of commits that one look reads, before it is content with what it has. */
const LOOK_BYTES = 16 * 1024 * 1024;
/** Sequences that the first step back covers; each further one four times as many. */
const FIRST_STEP = 16;
/** Sequences that the log may have grown by since the last look, so that only these are read. */
const NEAR = 1_024;

export interface CountedEvents {
  readonly events: number;
  /** When the first of them was stored, ms since 1970 UTC; undefined: it lies before what was read, or there is none. */
  readonly firstAt: number | undefined;
}

interface Place {
  readonly position: Position;
  /** ms since 1970 UTC. */
  readonly at: number;
}

/** Where the newest events of a namespace stand in the log: as far back as was asked for, or as is counted. */
export class RecentEvents {
  private places: Place[] = [];
  /** All events in commits after this sequence, up to `newest`, are in it. */
  private from = 0;
  private newest = 0;
  private read = 0;

  constructor(
    private readonly log: Pick<EventLog, "read">,
    private readonly namespace: string,
  ) {}

  /** Reads what it lacks of the log up to `newest`, and back to `oldest` (sequences). */
  async look(newest: number, oldest: number): Promise<void> {
    this.read = 0;
    if (this.newest === 0 || newest - this.newest > NEAR || newest < this.newest) {
      this.places = [];
      this.from = newest;
    } else this.places.push(...(await this.between(this.newest, newest)));
    this.newest = newest;
    for (let step = FIRST_STEP; this.wants(oldest); step *= 4) {
      const start = Math.max(oldest, this.from - step);
      this.places = [...(await this.between(start, this.from)), ...this.places];
      this.from = start;
    }
    this.places = this.places.slice(-MOST_EVENTS - 1);
  }

  /** After the position; where that lies further back than was read, those that were read. */
  after(position: Position): CountedEvents {
    const index = this.indexAfter(position);
    const events = Math.min(this.places.length - index, MOST_EVENTS);
    const known = sequenceOf(position + 1) > this.from && (index > 0 || this.places.length <= MOST_EVENTS);
    return { events, firstAt: known ? this.places[index]?.at : undefined };
  }

  private wants(oldest: number): boolean {
    return this.from > oldest && this.places.length <= MOST_EVENTS && this.read < LOOK_BYTES;
  }

  private async between(after: number, until: number): Promise<Place[]> {
    if (after >= until) return [];
    const { log, namespace } = this;
    const found: Place[] = [];
    const subject = signalsSubject(namespace);
    for await (const commits of log.read(signalsStream(namespace), { after, until, subject })) {
      for (const commit of commits) if (commit.sequence <= until) this.add(commit, found);
    }
    return found;
  }

  private add({ sequence, data, time }: Commit, places: Place[]): void {
    this.read += data.length;
    const at = time.getTime();
    for (const { position } of readEvents(sequence, data, { id: this.namespace, name: "" })) {
      places.push({ position, at });
    }
  }

  private indexAfter(position: Position): number {
    let low = 0;
    let high = this.places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.places[middle] as Place).position <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
