import { TooManyWrongPasswords } from "../decisions/refusals.js";

export interface WrongPasswordsOptions {
  /** Wrong ones for one name within the window. */
  readonly most: number;
  readonly windowMs: number;
  /** Names that are remembered, those that were tried last. */
  readonly names: number;
}

/** Counts wrong passwords per user name, so that they cannot be guessed. */
export class WrongPasswords {
  /** When the wrong ones of the window were tried, oldest first. The name tried last is the last. */
  private readonly tried = new Map<string, number[]>();

  constructor(
    private readonly options: WrongPasswordsOptions,
    private readonly now: () => number = Date.now,
  ) {}

  /** Raises TooManyWrongPasswords. */
  check(name: string): void {
    this.recent(name);
  }

  /**
   * Counts a try as wrong until it is known to be right, so that many at once are not more than many one by one.
   *
   * @returns to be called if it was right
   * @throws TooManyWrongPasswords
   */
  begin(name: string): () => void {
    const now = this.now();
    const times = [...this.recent(name), now];
    this.tried.delete(name);
    this.tried.set(name, times);
    for (const [oldest] of this.tried) {
      if (this.tried.size <= this.options.names) break;
      this.tried.delete(oldest);
    }
    return () => this.forget(name, now);
  }

  private recent(name: string): number[] {
    const { most, windowMs } = this.options;
    const now = this.now();
    const times = (this.tried.get(name) ?? []).filter((time) => time > now - windowMs);
    const [oldest] = times.slice(-most);
    if (oldest !== undefined && times.length >= most) {
      throw new TooManyWrongPasswords(Math.ceil((oldest + windowMs - now) / 1_000));
    }
    return times;
  }

  private forget(name: string, time: number): void {
    const times = this.tried.get(name) ?? [];
    const at = times.indexOf(time);
    if (at >= 0) times.splice(at, 1);
    if (times.length === 0) this.tried.delete(name);
  }
}
