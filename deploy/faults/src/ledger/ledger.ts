/** What became of one thing that a sender said. */
export interface Entry {
  /** Of its content; see `digestOf`. */
  readonly digest: string;
  /** How often it was sent: once, and again where no answer came. */
  sends: number;
  acknowledged: boolean;
}

/** What one sender said, in its order, and what of that was acknowledged to it. */
export class Ledger {
  readonly entries: Entry[] = [];
  /** Answers that no sender should have got. */
  readonly wrong: string[] = [];
  /** How many are. */
  acknowledged = 0;
  /** How often something was sent again. */
  resent = 0;

  /**
   * @param sender how it is named in what it says
   * @param exact whether Fieldlog can tell a resend from a new one, so that none may count twice
   */
  constructor(
    readonly sender: string,
    readonly exact: boolean,
  ) {}

  /** The number of what is said next: 0, 1, … */
  get next(): number {
    return this.entries.length;
  }

  /** It is about to be sent, for the first time or again. */
  sending(n: number, digest: string): void {
    const entry = this.entries[n];
    if (entry) {
      entry.sends++;
      this.resent++;
    } else if (n === this.next) this.entries.push({ digest, sends: 1, acknowledged: false });
    else throw new RangeError(`${this.sender} said ${this.next} and goes on with ${n}`);
  }

  acknowledge(n: number): void {
    const entry = this.entries[n];
    if (!entry) throw new RangeError(`${this.sender} never said ${n}`);
    if (!entry.acknowledged) this.acknowledged++;
    entry.acknowledged = true;
  }
}
