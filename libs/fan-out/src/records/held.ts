import type { Position } from "@fieldlog/contracts";
import { RecordConflict } from "@fieldlog/event-log";
import { acknowledged, type CursorRecord, type Failure, failed } from "./record.js";
import type { RecordStore, StoredCursor, SubscriptionKey } from "./store.js";

/** Milliseconds after which a holder shows that it is alive, if it has nothing else to write. */
const BEAT_MS = 5_000;

export interface HeldParts {
  readonly store: Pick<RecordStore, "get" | "write">;
  readonly key: SubscriptionKey;
  /** ms since 1970 UTC. */
  readonly now: () => number;
  /** Its record shows that it is alive, also when there is nothing else to write. */
  readonly beats: boolean;
  /** It is not to be asked to write any more. */
  readonly onEnd: (held: Held) => void;
}

/** A subscription's record in the hands of who reads it, until another takes it over. */
export class Held {
  private current: CursorRecord;
  private revision: number;
  private changed = false;
  private writing: Promise<void> | undefined;
  private over = false;
  private readonly listeners: (() => void)[] = [];

  constructor(
    private readonly parts: HeldParts,
    { record, revision }: StoredCursor,
  ) {
    this.current = record;
    this.revision = revision;
  }

  /** As it will be once all that was told is written. */
  get record(): CursorRecord {
    return this.current;
  }

  /** Everything up to the position was delivered or is not for it; `delivered` more events. Written within a second. */
  acknowledge(position: Position, delivered: number): void {
    const { current } = this;
    if (position <= current.position && delivered === 0 && current.failures === 0) return;
    this.change(acknowledged(current, position, delivered, this.parts.now()));
  }

  /** Written within a second. */
  failed(failure: Failure): void {
    this.change(failed(this.current, failure, this.parts.now()));
  }

  /** Called once, when another has taken it over, or it was removed. It is not the holder's any more. */
  onLost(listener: () => void): void {
    this.listeners.push(listener);
  }

  /**
   * Writes what is left, and that nobody reads any more; where that fails, with a later tick. Raises nothing: what is
   * not written is delivered again.
   */
  async release(): Promise<void> {
    if (this.over) return;
    this.over = true;
    await this.writing;
    this.current = { ...this.current, connected: false };
    this.changed = true;
    await this.tick();
    if (this.changed) await this.tick();
  }

  /** Once a second: writes what there is to write. */
  async tick(): Promise<void> {
    if (this.writing !== undefined) return;
    const { beats, now, onEnd } = this.parts;
    if (!this.changed && (!beats || now() - this.current.aliveAt < BEAT_MS)) return;
    this.writing = this.write();
    await this.writing;
    this.writing = undefined;
    if (this.over && !this.changed) onEnd(this);
  }

  private change(record: CursorRecord): void {
    if (this.over) return;
    this.current = record;
    this.changed = true;
  }

  /** What could not be written is tried again with the next. */
  private async write(): Promise<void> {
    const { store, key, now } = this.parts;
    this.current = { ...this.current, aliveAt: now() };
    this.changed = false;
    try {
      this.revision = await store.write(key, this.current, this.revision);
    } catch (error) {
      this.changed = true;
      if (error instanceof RecordConflict) await this.look();
    }
  }

  /** Whether the conflict is with a write of its own, of which it did not learn that it was stored. */
  private async look(): Promise<void> {
    const found = await this.parts.store.get(this.parts.key).catch((error: unknown) => error as Error);
    if (found instanceof Error) return;
    if (found?.record.holder === this.current.holder) this.revision = found.revision;
    else this.lose();
  }

  private lose(): void {
    this.changed = false;
    this.parts.onEnd(this);
    if (this.over) return;
    this.over = true;
    for (const tell of this.listeners) tell();
  }
}
