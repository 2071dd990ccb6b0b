/** Something that ends when it has been silent for too long. */
export interface Timed {
  /** ms of the wheel's clock at which it is due as things stand; later each time that it was heard of. */
  dueAt(): number;
  /** It is due. It is not on the wheel any more. */
  due(): void;
  /** The wheel's own note of where it is; -1 where it is not. */
  wheelSlot: number;
}

/** Milliseconds of one slot: how much later than due something may be noticed. */
const SLOT_MS = 250;

/**
 * One timer for the deadlines of all connections. What is heard of is not moved: when its slot comes up it is
 * asked, and put where it is due by then. So a packet costs no more than noting the time.
 */
export class Wheel {
  private readonly slots = new Map<number, Set<Timed>>();
  private timer: NodeJS.Timeout | undefined;
  private next = 0;

  constructor(private readonly now: () => number) {}

  start(): void {
    this.next = this.slotOf(this.now());
    this.timer = setInterval(() => this.tick(), SLOT_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.slots.clear();
  }

  /** Puts it where it is due; moves it where it was on the wheel before. Due at Infinity: nowhere. */
  set(timed: Timed): void {
    this.remove(timed);
    const dueAt = timed.dueAt();
    if (dueAt === Number.POSITIVE_INFINITY) return;
    const slot = Math.max(this.slotOf(dueAt), this.next);
    let set = this.slots.get(slot);
    if (set === undefined) {
      set = new Set();
      this.slots.set(slot, set);
    }
    set.add(timed);
    timed.wheelSlot = slot;
  }

  remove(timed: Timed): void {
    if (timed.wheelSlot === -1) return;
    const set = this.slots.get(timed.wheelSlot);
    set?.delete(timed);
    if (set?.size === 0) this.slots.delete(timed.wheelSlot);
    timed.wheelSlot = -1;
  }

  /** Looks at every slot whose time has passed. */
  tick(): void {
    const now = this.now();
    const current = Math.floor(now / SLOT_MS);
    for (; this.next <= current; this.next++) {
      const set = this.slots.get(this.next);
      if (set === undefined) continue;
      this.slots.delete(this.next);
      for (const timed of set) {
        timed.wheelSlot = -1;
        if (timed.dueAt() > now) this.later(timed);
        else timed.due();
      }
    }
  }

  private later(timed: Timed): void {
    this.set(timed);
  }

  /** The first slot that comes up when `ms` is over. */
  private slotOf(ms: number): number {
    return Math.ceil(ms / SLOT_MS);
  }
}
