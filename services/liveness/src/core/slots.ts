import { geocellNumber } from "@fieldlog/geocells";
import { STATUSES, type Status } from "./status.js";

/** The last that was heard of a device. */
export interface Sign {
  /** When an edge took it: ms since 1970 UTC. */
  readonly at: number;
  /** In the log; 0: nothing was heard. */
  readonly position: number;
  readonly status: Status;
}

/** What a device is, as far as it matters here; undefined: that does not change, or nobody knows. */
export interface DeviceTraits {
  readonly dialect?: string | undefined;
  /** It moves, by its `mobility`. */
  readonly mobile?: boolean | undefined;
  /** Where it is by its metadata: degrees. */
  readonly latitude?: number | undefined;
  readonly longitude?: number | undefined;
}

/** Nothing was told of it yet; it is active; it is inactive. */
export const NEVER = 0;
export const ACTIVE = 1;
export const INACTIVE = 2;
export type Phase = typeof NEVER | typeof ACTIVE | typeof INACTIVE;

interface Namespace {
  readonly id: string;
  readonly devices: Map<string, number>;
}

const FIRST = 1_024;
const REGISTERED = 1;
const MOBILE = 2;

/**
 * Devices as numbers in typed arrays, some 100 bytes and the texts of their ids each: a slot per device, which
 * another one has after it was freed.
 */
export class Slots {
  capacity = FIRST;
  private readonly namespaces = new Map<string, Namespace>();
  private readonly dialects: string[] = [];
  private readonly owners: string[] = [];
  private readonly ids: string[] = [];
  private readonly free: number[] = [];
  private made = 0;
  private signalAt = new Float64Array(FIRST);
  private signalPosition = new Float64Array(FIRST);
  private beatAt = new Float64Array(FIRST);
  private beatPosition = new Float64Array(FIRST);
  private beatStatus = new Uint8Array(FIRST);
  private flags = new Uint8Array(FIRST);
  private dialectOf = new Uint8Array(FIRST);
  private latitudes = new Float64Array(FIRST);
  private longitudes = new Float64Array(FIRST);
  private cells = new Float64Array(FIRST);
  private phases = new Uint8Array(FIRST);
  private sinces = new Float64Array(FIRST);
  private tolds = new Uint8Array(FIRST);
  private toldPositions = new Float64Array(FIRST);

  /** @param most devices; one more gets no slot */
  constructor(private readonly most: number) {}

  get size(): number {
    return this.made - this.free.length;
  }

  find(namespace: string, device: string): number | undefined {
    return this.namespaces.get(namespace)?.devices.get(device);
  }

  /** Undefined: there are as many as there may be. */
  findOrMake(namespace: string, device: string): number | undefined {
    let own = this.namespaces.get(namespace);
    const found = own?.devices.get(device);
    if (found !== undefined) return found;
    if (this.size >= this.most) return undefined;
    const slot = this.free.pop() ?? this.made++;
    if (slot >= this.capacity) this.grow();
    if (own === undefined) {
      own = { id: namespace, devices: new Map() };
      this.namespaces.set(namespace, own);
    }
    own.devices.set(device, slot);
    // One text for all of them.
    this.owners[slot] = own.id;
    this.ids[slot] = device;
    this.flags[slot] = 0;
    this.forget(slot);
    return slot;
  }

  delete(slot: number): void {
    const namespace = this.namespaceOf(slot);
    const devices = this.namespaces.get(namespace)?.devices;
    devices?.delete(this.deviceOf(slot));
    if (devices?.size === 0) this.namespaces.delete(namespace);
    this.flags[slot] = 0;
    this.ids[slot] = "";
    this.free.push(slot);
  }

  /** Not to be changed while it is gone through. */
  in(namespace: string): Iterable<number> {
    return this.namespaces.get(namespace)?.devices.values() ?? [];
  }

  *all(): Generator<number, void> {
    for (const { devices } of this.namespaces.values()) yield* devices.values();
  }

  namespaceOf(slot: number): string {
    return this.owners[slot] as string;
  }

  deviceOf(slot: number): string {
    return this.ids[slot] as string;
  }

  isRegistered(slot: number): boolean {
    return ((this.flags[slot] as number) & REGISTERED) !== 0;
  }

  isMobile(slot: number): boolean {
    return ((this.flags[slot] as number) & MOBILE) !== 0;
  }

  dialect(slot: number): string {
    return this.dialects[this.dialectOf[slot] as number] ?? "";
  }

  /** A geocell's number; NaN: nobody knows. */
  geocell(slot: number): number {
    return this.cells[slot] as number;
  }

  register(slot: number): void {
    this.dialectOf[slot] = this.indexOf("");
    for (const array of [this.latitudes, this.longitudes, this.cells]) array[slot] = Number.NaN;
    this.flags[slot] = REGISTERED;
  }

  /** Of one that is registered. */
  describe(slot: number, { dialect, mobile, latitude, longitude }: DeviceTraits): void {
    if (dialect !== undefined) this.dialectOf[slot] = this.indexOf(dialect);
    if (mobile !== undefined) this.flags[slot] = REGISTERED | (mobile ? MOBILE : 0);
    if (latitude !== undefined) this.latitudes[slot] = latitude;
    if (longitude !== undefined) this.longitudes[slot] = longitude;
    const cell = geocellNumber(this.latitudes[slot] as number, this.longitudes[slot] as number);
    this.cells[slot] = cell ?? Number.NaN;
  }

  /** What was heard and told of it. */
  forget(slot: number): void {
    for (const array of this.numbers()) array[slot] = 0;
    for (const array of [this.beatStatus, this.phases, this.tolds]) array[slot] = 0;
  }

  /** Whether there was a signal, or a heartbeat. */
  wasHeard(slot: number, isHeartbeat: boolean): boolean {
    return (isHeartbeat ? this.beatPosition : this.signalPosition)[slot] !== 0;
  }

  /** Of the last signal, or of the last heartbeat: ms since 1970 UTC. */
  lastAt(slot: number, isHeartbeat: boolean): number {
    return (isHeartbeat ? this.beatAt : this.signalAt)[slot] as number;
  }

  signal(slot: number): Sign {
    const position = this.signalPosition[slot] as number;
    const status = position === this.beatPosition[slot] ? this.heartbeat(slot).status : "";
    return { at: this.signalAt[slot] as number, position, status };
  }

  heartbeat(slot: number): Sign {
    const status = STATUSES[this.beatStatus[slot] as number] ?? "";
    return { at: this.beatAt[slot] as number, position: this.beatPosition[slot] as number, status };
  }

  setSignal(slot: number, { at, position }: Omit<Sign, "status">): void {
    this.signalAt[slot] = at;
    this.signalPosition[slot] = position;
  }

  setHeartbeat(slot: number, { at, position, status }: Sign): void {
    this.beatAt[slot] = at;
    this.beatPosition[slot] = position;
    this.beatStatus[slot] = STATUSES.indexOf(status);
  }

  phase(slot: number): Phase {
    return this.phases[slot] as Phase;
  }

  /** ms since 1970 UTC. */
  since(slot: number): number {
    return this.sinces[slot] as number;
  }

  setPhase(slot: number, phase: Phase, since: number): void {
    this.phases[slot] = phase;
    this.sinces[slot] = since;
  }

  /** What the log says of it last, and because of which signal. */
  told(slot: number): { readonly phase: Phase; readonly position: number } {
    return { phase: this.tolds[slot] as Phase, position: this.toldPositions[slot] as number };
  }

  setTold(slot: number, phase: Phase, position: number): void {
    this.tolds[slot] = phase;
    this.toldPositions[slot] = position;
  }

  /** Dialects are few; should there ever be more than fit, the last ones count as one. */
  private indexOf(dialect: string): number {
    const known = this.dialects.indexOf(dialect);
    return known === -1 ? Math.min(this.dialects.push(dialect) - 1, 255) : known;
  }

  private numbers(): Float64Array[] {
    const heard = [this.signalAt, this.signalPosition, this.beatAt, this.beatPosition];
    return [...heard, this.sinces, this.toldPositions];
  }

  private grow(): void {
    this.capacity = Math.min(this.capacity * 2, Math.max(this.most, this.capacity + 1));
    const { capacity } = this;
    const floats = (array: Float64Array) => {
      const larger = new Float64Array(capacity);
      larger.set(array);
      return larger;
    };
    const bytes = (array: Uint8Array) => {
      const larger = new Uint8Array(capacity);
      larger.set(array);
      return larger;
    };
    this.signalAt = floats(this.signalAt);
    this.signalPosition = floats(this.signalPosition);
    this.beatAt = floats(this.beatAt);
    this.beatPosition = floats(this.beatPosition);
    this.latitudes = floats(this.latitudes);
    this.longitudes = floats(this.longitudes);
    this.cells = floats(this.cells);
    this.sinces = floats(this.sinces);
    this.toldPositions = floats(this.toldPositions);
    this.beatStatus = bytes(this.beatStatus);
    this.flags = bytes(this.flags);
    this.dialectOf = bytes(this.dialectOf);
    this.phases = bytes(this.phases);
    this.tolds = bytes(this.tolds);
  }
}
