import { DueQueue } from "./due-queue.js";
import { GRACE_S, type LivenessSettings, type Rule, type Rules } from "./rules.js";
import { ACTIVE, type DeviceTraits, INACTIVE, NEVER, type Phase, type Sign, Slots } from "./slots.js";
import { isGoing } from "./status.js";

/** A device became active or inactive, and the log does not say so yet. */
export interface Transition {
  readonly namespace: string;
  readonly device: string;
  readonly to: typeof ACTIVE | typeof INACTIVE;
  /** The moment: ms since 1970 UTC. */
  readonly at: number;
  readonly reason: "heartbeat" | "timeout" | "status";
  /** What it is because of, or the last sign of life that it had. */
  readonly sign: Sign;
}

/** What was heard and told of a device, as it is stored. */
export interface Heard {
  readonly signal: Sign;
  /** Position 0: none. */
  readonly heartbeat: Sign;
  readonly told: { readonly phase: Phase; readonly position: number; readonly at: number };
}

/** The only dialect whose devices tell nothing of their liveness by what else they send (its reference, A7). */
const BY_HEARTBEAT_ALONE = "csn";

/**
 * Which devices are active: fed with what the logs say, in each log's order, and with the time. What becomes of a
 * device follows from the signs of life alone, so replicas come to the same, and one that was away finds what it
 * missed. Reads no clock and does no I/O. All times are ms since 1970 UTC.
 */
export class Machine {
  readonly slots: Slots;
  /** No later than each active device is inactive: a sign of life does not move it, that it was due shows it. */
  private readonly queue: DueQueue;
  private readonly owing = new Map<number, Transition[]>();
  /** Of those, whose newest was not handed out. */
  private readonly fresh = new Set<number>();
  private handed = new WeakSet<Transition>();
  /** Devices that found no place. */
  turnedAway = 0;

  constructor(
    readonly rules: Rules,
    most: number,
  ) {
    this.slots = new Slots(most);
    this.queue = new DueQueue(this.slots.capacity);
  }

  /** Of each device the transitions that the log does not tell yet, in their order. */
  owed(): Iterable<readonly Transition[]> {
    return this.owing.values();
  }

  /** Those that were not handed out yet, of at most so many devices. */
  handOut(devices: number): (readonly Transition[])[] {
    const out: (readonly Transition[])[] = [];
    for (const slot of this.fresh) {
      if (out.length >= devices) break;
      this.fresh.delete(slot);
      const own = (this.owing.get(slot) ?? []).filter((one) => !this.handed.has(one));
      for (const one of own) this.handed.add(one);
      out.push(own);
    }
    return out;
  }

  /** What was handed out and is still owed is to be handed out again. */
  handOutAgain(): void {
    this.handed = new WeakSet();
    for (const slot of this.owing.keys()) this.fresh.add(slot);
  }

  /** A signal of the device; of a heartbeat with its status. One that was read before has no effect. */
  heard(namespace: string, device: string, sign: Sign, isHeartbeat: boolean): void {
    const slot = this.slotOf(namespace, device);
    if (slot === undefined || sign.position <= this.slots.signal(slot).position) return;
    const { slots } = this;
    const before = this.last(slot);
    // Edges' clocks differ: what one took later was not sent earlier.
    const at = Math.max(sign.at, slots.signal(slot).at);
    slots.setSignal(slot, { at, position: sign.position });
    if (isHeartbeat) slots.setHeartbeat(slot, { ...sign, at });
    if (!slots.isRegistered(slot)) return;
    if (isHeartbeat || this.countsEverything(slot)) this.advance(slot, before, this.last(slot));
  }

  /** The log says that it became active or inactive, because of the signal at that position. */
  told(
    namespace: string,
    device: string,
    phase: typeof ACTIVE | typeof INACTIVE,
    position: number,
    at: number,
  ): void {
    const slot = this.slotOf(namespace, device);
    if (slot === undefined) return;
    const { slots } = this;
    const before = slots.told(slot);
    // The same once more: of two replicas, or of one that did not hear that the log had it.
    if (before.phase === phase && before.position === position) return;
    slots.setTold(slot, phase, position);
    if (!slots.isRegistered(slot)) return;
    const owed = this.owing.get(slot);
    if (owed === undefined) this.believe(slot, phase, position, at);
    else if (owed[0]?.to === phase) this.settle(slot, owed);
  }

  /** As the registry has it. What was heard before counts from now on. */
  register(namespace: string, device: string, traits: DeviceTraits): void {
    const slot = this.slotOf(namespace, device);
    if (slot === undefined) return;
    const known = this.slots.isRegistered(slot);
    if (!known) this.slots.register(slot);
    this.slots.describe(slot, traits);
    if (!known) this.derive(slot);
  }

  /** What changed of a device that is registered. */
  change(namespace: string, device: string, traits: DeviceTraits): void {
    const slot = this.slots.find(namespace, device);
    if (slot !== undefined && this.slots.isRegistered(slot)) this.slots.describe(slot, traits);
  }

  /** It is gone, and nothing is said of it any more. */
  remove(namespace: string, device: string): void {
    const slot = this.slots.find(namespace, device);
    if (slot !== undefined) this.drop(slot);
  }

  /** The registry's decisions on all devices of the namespace are gone. */
  unregisterAll(namespace: string): void {
    for (const slot of [...this.slots.in(namespace)]) this.drop(slot);
  }

  /** What was heard of the namespace, or of the one device, is gone. */
  forget(namespace: string, device?: string): void {
    const only = device === undefined ? undefined : this.slots.find(namespace, device);
    const slots = device === undefined ? [...this.slots.in(namespace)] : only === undefined ? [] : [only];
    for (const slot of slots) {
      this.queue.delete(slot);
      this.owesNothing(slot);
      if (this.slots.isRegistered(slot)) this.slots.forget(slot);
      else this.slots.delete(slot);
    }
  }

  /** From now on another rule holds for the namespace. One that is inactive stays so until it is heard again. */
  set(namespace: string, settings: LivenessSettings): void {
    this.rules.set(namespace, settings);
    for (const slot of this.slots.in(namespace)) {
      if (this.slots.phase(slot) === ACTIVE) this.queue.set(slot, this.dueOf(slot));
    }
  }

  /** Takes up what was stored of the device. What the log says behind that is to follow. */
  load(namespace: string, device: string, { signal, heartbeat, told }: Heard): void {
    const slot = this.slotOf(namespace, device);
    if (slot === undefined) return;
    this.slots.setSignal(slot, signal);
    if (heartbeat.position > 0) this.slots.setHeartbeat(slot, heartbeat);
    this.slots.setTold(slot, told.phase, told.position);
    this.slots.setPhase(slot, NEVER, told.at);
    if (this.slots.isRegistered(slot)) this.derive(slot);
  }

  /** Whether one would be inactive at that time, by what was heard so far. */
  isAnyDue(now: number): boolean {
    const slot = this.takeDue(now);
    if (slot === undefined) return false;
    this.queue.set(slot, this.dueOf(slot));
    return true;
  }

  /** Every sign of life that came before that time has been heard: who was not heard long enough is inactive. */
  expire(now: number): void {
    for (;;) {
      const slot = this.takeDue(now);
      if (slot === undefined) return;
      this.become(slot, INACTIVE, this.dueOf(slot), "timeout", this.last(slot));
    }
  }

  private takeDue(now: number): number | undefined {
    for (;;) {
      const slot = this.queue.take(now);
      if (slot === undefined) return undefined;
      if (this.slots.phase(slot) !== ACTIVE) continue;
      const due = this.dueOf(slot);
      if (due <= now) return slot;
      this.queue.set(slot, due);
    }
  }

  /** The last sign of life that counts. */
  last(slot: number): Sign {
    return this.countsEverything(slot) ? this.slots.signal(slot) : this.slots.heartbeat(slot);
  }

  ruleOf(slot: number): Rule {
    return this.rules.of(this.slots.namespaceOf(slot), this.slots.dialect(slot));
  }

  /** Also of one whose time has run out, until that was noticed. */
  isActive(slot: number): boolean {
    return this.slots.phase(slot) === ACTIVE;
  }

  /** As of that time; undefined: it is not registered, or nothing was ever heard of it. */
  stateOf(slot: number, now: number): "active" | "late" | "inactive" | undefined {
    // Asked of every device at once when they are counted, so nothing is made for the answer.
    const isHeartbeat = !this.countsEverything(slot);
    if (!this.slots.isRegistered(slot) || !this.slots.wasHeard(slot, isHeartbeat)) return undefined;
    const at = this.slots.lastAt(slot, isHeartbeat);
    const { heartbeatS, inactiveAfterS } = this.ruleOf(slot);
    const silentS = (now - at) / 1_000;
    if (!this.isActive(slot) || silentS >= inactiveAfterS) return "inactive";
    return silentS > heartbeatS + GRACE_S ? "late" : "active";
  }

  private countsEverything(slot: number): boolean {
    return this.slots.dialect(slot) !== BY_HEARTBEAT_ALONE;
  }

  private dueOf(slot: number): number {
    return this.last(slot).at + this.ruleOf(slot).inactiveAfterS * 1_000;
  }

  private advance(slot: number, before: Sign, sign: Sign): void {
    const due = before.at + this.ruleOf(slot).inactiveAfterS * 1_000;
    if (this.slots.phase(slot) === ACTIVE && sign.at > due) {
      this.become(slot, INACTIVE, due, "timeout", before);
    }
    if (isGoing(sign.status)) {
      if (this.slots.phase(slot) === ACTIVE) this.become(slot, INACTIVE, sign.at, "status", sign);
    } else if (this.slots.phase(slot) !== ACTIVE) {
      this.become(slot, ACTIVE, sign.at, "heartbeat", sign);
    }
  }

  private become(slot: number, to: Transition["to"], at: number, reason: Transition["reason"], sign: Sign) {
    this.slots.setPhase(slot, to, at);
    if (to === ACTIVE) this.queue.set(slot, this.dueOf(slot));
    else this.queue.delete(slot);
    const namespace = this.slots.namespaceOf(slot);
    const transition = { namespace, device: this.slots.deviceOf(slot), to, at, reason, sign };
    const owed = this.owing.get(slot);
    if (owed === undefined) this.owing.set(slot, [transition]);
    else owed.push(transition);
    this.fresh.add(slot);
  }

  private owesNothing(slot: number): void {
    this.owing.delete(slot);
    this.fresh.delete(slot);
  }

  private settle(slot: number, owed: Transition[]): void {
    owed.shift();
    if (owed.length === 0) this.owesNothing(slot);
  }

  /** What another replica knew, whose clock or whose rules were ahead. */
  private believe(slot: number, phase: Transition["to"], position: number, at: number): void {
    if (this.slots.phase(slot) === phase) return;
    this.slots.setPhase(slot, phase, at);
    if (phase === ACTIVE) {
      this.queue.set(slot, this.dueOf(slot));
      return;
    }
    this.queue.delete(slot);
    const last = this.last(slot);
    if (last.position > position && !isGoing(last.status)) {
      this.become(slot, ACTIVE, last.at, "heartbeat", last);
    }
  }

  /** What the device is by what was heard and told of it so far. */
  private derive(slot: number): void {
    const { phase, position } = this.slots.told(slot);
    const last = this.last(slot);
    this.slots.setPhase(slot, phase, this.slots.since(slot));
    if (phase === ACTIVE) this.queue.set(slot, this.dueOf(slot));
    if (last.position <= position) return;
    if (phase === ACTIVE && isGoing(last.status)) this.become(slot, INACTIVE, last.at, "status", last);
    else if (phase !== ACTIVE && !isGoing(last.status)) this.become(slot, ACTIVE, last.at, "heartbeat", last);
  }

  private drop(slot: number): void {
    this.queue.delete(slot);
    this.owesNothing(slot);
    this.slots.delete(slot);
  }

  private slotOf(namespace: string, device: string): number | undefined {
    const slot = this.slots.findOrMake(namespace, device);
    if (slot === undefined) this.turnedAway++;
    else if (this.slots.capacity > this.queue.capacity) this.queue.grow(this.slots.capacity);
    return slot;
  }
}
