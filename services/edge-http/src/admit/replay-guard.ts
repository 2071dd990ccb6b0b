import type { Digest } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";

/**
 * What the guard says of a message:
 * - `new`: its id is reserved for it; {@link ReplayGuard.settle} must follow
 * - `pending`: the very same message is on its way into the log; wait for that outcome
 * - `resend`: the very same message is in the log
 * - `used`: another message had this id
 * - `too-old`: its id is so far below the device's highest that nobody remembers whether it was used
 */
export type Verdict = "new" | "pending" | "resend" | "used" | "too-old";

export interface ReplayGuardOptions {
  /** Milliseconds that a message's date may differ from the clock. */
  readonly windowMs: number;
  /** Devices remembered; default {@link limits.replayDevices}. */
  readonly devices?: number;
}

const IDS = limits.replayWindowIds;
const CHUNK = 1024; // devices whose digests are allocated at once
const NONE = -1;

/**
 * Remembers which message ids each device has used: a message id counts once within the time for which
 * its date is good. Holds, per device, the highest id and the ids up to 63 below it, with a digest of
 * each message. Pure: reads no clock. Memory is 512 bytes a device for digests and about 100 for the rest.
 *
 * When there are more devices than it may hold, it forgets one whose messages have all expired, else one
 * that was not heard of for a while. What it forgets, readers of the log still apply once, by identity.
 */
export class ReplayGuard {
  /** Devices forgotten before their time, since the start. */
  evictions = 0;
  private readonly windowMs: number;
  private readonly capacity: number;
  private readonly slots = new Map<string, number>();
  private readonly keys: string[] = [];
  private readonly highest: number[] = [];
  private readonly newest: number[] = []; // latest date among its messages, ms
  private readonly used: Bits = new Bits();
  private readonly reserved: Bits = new Bits();
  private readonly heard: boolean[] = [];
  private readonly digests: Uint32Array[] = [];
  private hand = 0;

  constructor(options: ReplayGuardOptions) {
    this.windowMs = options.windowMs;
    this.capacity = options.devices ?? limits.replayDevices;
  }

  get size(): number {
    return this.slots.size;
  }

  /**
   * Asks whether a message may go into the log, and reserves its id if so.
   *
   * @param key the device, unique over all namespaces
   * @param sentAt date of the message, ms since 1970
   * @param now the edge's clock, ms since 1970
   */
  reserve(key: string, id: number, digest: Digest, sentAt: number, now: number): Verdict {
    const slot = this.slotOf(key, now);
    if (!this.makeRoom(slot, id, sentAt)) return "too-old";
    const index = slot * IDS + (id % IDS);
    const reserved = this.reserved.has(index);
    if (reserved || this.used.has(index)) {
      if (!this.isSame(index, digest)) return "used";
      return reserved ? "pending" : "resend";
    }
    this.reserved.add(index);
    this.remember(index, digest);
    return "new";
  }

  /** Ends a reservation: the message is in the log, or it is not and its id is free again. */
  settle(key: string, id: number, digest: Digest, stored: boolean): void {
    const slot = this.slots.get(key);
    if (slot === undefined || !this.isInWindow(slot, id)) return;
    const index = slot * IDS + (id % IDS);
    if (!this.reserved.has(index) || !this.isSame(index, digest)) return;
    this.reserved.remove(index);
    if (stored) this.used.add(index);
  }

  /** Takes note of a message that some edge has stored. */
  learn(key: string, id: number, digest: Digest, sentAt: number, now: number): void {
    if (sentAt + this.windowMs < now) return; // its date alone would refuse it
    const slot = this.slotOf(key, now);
    if (!this.makeRoom(slot, id, sentAt)) return;
    const index = slot * IDS + (id % IDS);
    if (this.used.has(index) || this.reserved.has(index)) return;
    this.used.add(index);
    this.remember(index, digest);
  }

  /** Makes the id one of the window, moving that up if needed. False: it is below the window. */
  private makeRoom(slot: number, id: number, sentAt: number): boolean {
    const highest = this.highest[slot] as number;
    if (id > highest) {
      const passed = Math.min(id - highest, IDS);
      for (let next = id - passed + 1; next <= id; next++) this.forget(slot * IDS + (next % IDS));
      this.highest[slot] = id;
    } else if (!this.isInWindow(slot, id)) return false;
    if (sentAt > (this.newest[slot] as number)) this.newest[slot] = sentAt;
    return true;
  }

  private isInWindow(slot: number, id: number): boolean {
    const highest = this.highest[slot] as number;
    return id <= highest && id > highest - IDS;
  }

  private slotOf(key: string, now: number): number {
    const known = this.slots.get(key);
    if (known !== undefined) {
      // After a silence none of its messages could be sent again, so the device may begin anew.
      if (this.isExpired(known, now) && !this.isReserving(known)) this.empty(known);
      this.heard[known] = true;
      return known;
    }
    const slot = this.slots.size < this.capacity ? this.slots.size : this.evict(now);
    if (slot % CHUNK === 0) this.digests[slot / CHUNK] ??= new Uint32Array(CHUNK * IDS * 2);
    this.slots.set(key, slot);
    this.keys[slot] = key;
    this.heard[slot] = true;
    this.empty(slot);
    return slot;
  }

  /** Second chance: passes over devices that were heard of since it last came by, unless they have expired. */
  private evict(now: number): number {
    for (;;) {
      const slot = this.hand;
      this.hand = (this.hand + 1) % this.capacity;
      if (this.isReserving(slot)) continue;
      const expired = this.isExpired(slot, now);
      if (this.heard[slot] && !expired) {
        this.heard[slot] = false;
        continue;
      }
      if (!expired) this.evictions++;
      this.slots.delete(this.keys[slot] as string);
      return slot;
    }
  }

  private isExpired(slot: number, now: number): boolean {
    return (this.newest[slot] as number) + this.windowMs < now;
  }

  private isReserving(slot: number): boolean {
    return this.reserved.anyOf(slot);
  }

  private empty(slot: number): void {
    this.highest[slot] = NONE;
    this.newest[slot] = Number.NEGATIVE_INFINITY;
    this.used.clear(slot);
    this.reserved.clear(slot);
  }

  private forget(index: number): void {
    this.used.remove(index);
    this.reserved.remove(index);
  }

  private remember(index: number, digest: Digest): void {
    const chunk = this.digests[Math.floor(index / (CHUNK * IDS))] as Uint32Array;
    const at = (index % (CHUNK * IDS)) * 2;
    chunk[at] = digest.high;
    chunk[at + 1] = digest.low;
  }

  private isSame(index: number, digest: Digest): boolean {
    const chunk = this.digests[Math.floor(index / (CHUNK * IDS))] as Uint32Array;
    const at = (index % (CHUNK * IDS)) * 2;
    return chunk[at] === digest.high && chunk[at + 1] === digest.low;
  }
}

/** A growing set of bits, 64 to a device. */
class Bits {
  private words: number[] = [];

  has(index: number): boolean {
    return (((this.words[index >>> 5] as number) >>> (index & 31)) & 1) === 1;
  }
  add(index: number): void {
    this.words[index >>> 5] = (this.words[index >>> 5] as number) | (1 << (index & 31));
  }
  remove(index: number): void {
    this.words[index >>> 5] = (this.words[index >>> 5] as number) & ~(1 << (index & 31));
  }
  anyOf(slot: number): boolean {
    return this.words[slot * 2] !== 0 || this.words[slot * 2 + 1] !== 0;
  }
  clear(slot: number): void {
    this.words[slot * 2] = 0;
    this.words[slot * 2 + 1] = 0;
  }
}
