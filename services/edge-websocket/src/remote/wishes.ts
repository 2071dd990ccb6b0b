import { limits } from "@fieldlog/contracts";

interface Wish {
  readonly value: string;
  /** ms since 1970 UTC. */
  readonly endsAt: number;
}

/** Nobody else can wish for it now. */
export class TooManyWishes extends Error {
  override readonly name = "TooManyWishes";
  constructor() {
    super("too many want to see this device");
  }
}

/** Who wants something of a device that it does as long as somebody wants it. Each wish ends by itself unless it is renewed. */
export class Wishes {
  private readonly wishes = new Map<string, Wish>();
  /** Those whose wishes were ended for them, until they have stopped renewing them. */
  private readonly dismissed = new Map<string, number>();

  get some(): boolean {
    return this.wishes.size > 0;
  }

  /** Nor is one remembered that was ended: nothing changes with time. */
  get none(): boolean {
    return this.wishes.size === 0 && this.dismissed.size === 0;
  }

  has(value: string): boolean {
    for (const wish of this.wishes.values()) if (wish.value === value) return true;
    return false;
  }

  /** False: this one's wish was ended, and does not count. Raises TooManyWishes. @param now ms since 1970 UTC */
  want(viewer: string, value: string, now: number): boolean {
    const endsAt = now + limits.remoteWishEndsMs;
    if (this.dismissed.has(viewer)) {
      this.dismissed.set(viewer, endsAt);
      return false;
    }
    if (!this.wishes.has(viewer) && this.wishes.size >= limits.wishes) throw new TooManyWishes();
    this.wishes.set(viewer, { value, endsAt });
    return true;
  }

  forget(viewer: string): void {
    this.wishes.delete(viewer);
  }

  /** All that is wished for now is over, also should it be renewed. @param now ms since 1970 UTC */
  dismiss(now: number): void {
    const room = limits.wishes - this.dismissed.size;
    for (const viewer of [...this.wishes.keys()].slice(0, room)) {
      this.dismissed.set(viewer, now + limits.remoteWishEndsMs);
    }
    this.wishes.clear();
  }

  /** What was not renewed is over. @param now ms since 1970 UTC */
  tick(now: number): void {
    for (const [viewer, { endsAt }] of this.wishes) if (endsAt <= now) this.wishes.delete(viewer);
    for (const [viewer, endsAt] of this.dismissed) if (endsAt <= now) this.dismissed.delete(viewer);
  }
}
