import { LogUnavailable } from "@fieldlog/event-log";
import type { LazyWrites } from "./lazy-writes.js";
import type { SessionRecord } from "./record.js";
import { RecordConflict, type SessionKey, type SessionStore } from "./store.js";

export interface RecordWriterParts {
  readonly store: Pick<SessionStore, "get" | "write">;
  readonly lazy: LazyWrites;
  readonly key: SessionKey;
  readonly revision: number;
  /** The edge that has the session while it is this writer's to write. */
  readonly owner: string;
  /** The record as it is now. */
  readonly snapshot: () => SessionRecord;
  /** Told once that another has the session now. */
  readonly onConflict: () => void;
}

/** Writes one session's record: one write at a time, what changes meanwhile goes with the next. */
export class RecordWriter {
  private revision: number;
  private writing: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  /** Another has the session. */
  private lost = false;
  private ended = false;

  constructor(private readonly parts: RecordWriterParts) {
    this.revision = parts.revision;
  }

  /**
   * Resolves when what the record says now is stored durably.
   *
   * @throws RecordConflict, LogUnavailable; nothing is known of what is stored then, and it may be tried again
   */
  save(): Promise<void> {
    if (this.next !== undefined) return this.next;
    if (this.writing === undefined) return this.write();
    const next: Promise<void> = this.writing
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        return this.write();
      });
    this.next = next;
    return next;
  }

  /** Sees to it that what the record says now is stored within a second or so. */
  touch(): void {
    if (!this.lost && !this.ended) this.parts.lazy.add(this);
  }

  async writeLazily(): Promise<void> {
    if (this.lost || this.ended) return;
    await this.save().catch((error: unknown) => {
      if (!(error instanceof RecordConflict)) this.touch();
    });
  }

  /**
   * Ends the writing: nothing is written any more from here but what is left to do, after what is under way.
   *
   * @param last replaces the revision by the one that it returns, or removes it and returns it
   * @returns the newest revision
   * @throws RecordConflict (another has the session), LogUnavailable; it may be called again then
   */
  async end(last: (revision: number) => Promise<number>): Promise<number> {
    this.ended = true;
    this.parts.lazy.delete(this);
    await (this.next ?? this.writing)?.catch(() => undefined);
    if (this.lost) throw new RecordConflict();
    this.revision = await this.insist(last);
    return this.revision;
  }

  private write(): Promise<void> {
    if (this.lost || this.ended) return Promise.reject(new RecordConflict());
    this.parts.lazy.delete(this);
    const writing = this.replace().finally(() => {
      if (this.writing === writing) this.writing = undefined;
    });
    this.writing = writing;
    return writing;
  }

  private async replace(): Promise<void> {
    const { store, key, snapshot, onConflict } = this.parts;
    try {
      this.revision = await this.insist((revision) => store.write(key, snapshot(), revision));
    } catch (error) {
      if (error instanceof RecordConflict && !this.lost) {
        this.lost = true;
        this.parts.lazy.delete(this);
        onConflict();
      }
      throw error;
    }
  }

  private async insist<T>(write: (revision: number) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await write(this.revision);
      } catch (error) {
        if (!(error instanceof RecordConflict) || !(await this.isOwn())) throw error;
      }
    }
  }

  /** Whether a conflict is with a write of its own, of which it did not learn that it was stored. Raises LogUnavailable. */
  private async isOwn(): Promise<boolean> {
    const { store, key, owner } = this.parts;
    const found = await store.get(key);
    if (found?.record.owner !== owner) return false;
    if (found.revision === this.revision) throw new LogUnavailable("what it tells of a session is old");
    this.revision = found.revision;
    return true;
  }
}
