/** Slots by the time at which each is due, the earliest first: a binary heap in typed arrays. A slot is in it once. */
export class DueQueue {
  private heap: Int32Array;
  /** Where in the heap each slot is; -1: it is not. */
  private places: Int32Array;
  private due: Float64Array;
  private count = 0;

  constructor(capacity = 1_024) {
    this.heap = new Int32Array(capacity);
    this.places = new Int32Array(capacity).fill(-1);
    this.due = new Float64Array(capacity);
  }

  get size(): number {
    return this.count;
  }

  get capacity(): number {
    return this.places.length;
  }

  /** When the first is due; Infinity: none is in it. */
  get first(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : (this.due[this.heap[0] as number] as number);
  }

  /** Slots from then on may be below `capacity`. */
  grow(capacity: number): void {
    const places = new Int32Array(capacity).fill(-1);
    places.set(this.places);
    this.places = places;
    const heap = new Int32Array(capacity);
    heap.set(this.heap);
    this.heap = heap;
    const due = new Float64Array(capacity);
    due.set(this.due);
    this.due = due;
  }

  has(slot: number): boolean {
    return this.places[slot] !== -1;
  }

  /** When it is due; only of one that is in it. */
  dueOf(slot: number): number {
    return this.due[slot] as number;
  }

  /** Puts the slot in, or moves it. */
  set(slot: number, due: number): void {
    const before = this.places[slot] as number;
    this.due[slot] = due;
    if (before === -1) this.up(this.count++, slot);
    else {
      this.up(before, slot);
      this.down(this.places[slot] as number, slot);
    }
  }

  delete(slot: number): void {
    const place = this.places[slot] as number;
    if (place === -1) return;
    this.places[slot] = -1;
    const last = this.heap[--this.count] as number;
    if (last === slot) return;
    this.up(place, last);
    this.down(this.places[last] as number, last);
  }

  /** Takes out one that is due at that time or was before; undefined: none is. */
  take(now: number): number | undefined {
    if (!(this.first <= now)) return undefined;
    const slot = this.heap[0] as number;
    this.delete(slot);
    return slot;
  }

  private up(from: number, slot: number): void {
    const due = this.due[slot] as number;
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.heap[parent] as number;
      if ((this.due[above] as number) <= due) break;
      this.put(place, above);
      place = parent;
    }
    this.put(place, slot);
  }

  private down(from: number, slot: number): void {
    const due = this.due[slot] as number;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.count) break;
      if (child + 1 < this.count && this.dueAt(child + 1) < this.dueAt(child)) child++;
      if (due <= this.dueAt(child)) break;
      this.put(place, this.heap[child] as number);
      place = child;
    }
    this.put(place, slot);
  }

  private dueAt(place: number): number {
    return this.due[this.heap[place] as number] as number;
  }

  private put(place: number, slot: number): void {
    this.heap[place] = slot;
    this.places[slot] = place;
  }
}
