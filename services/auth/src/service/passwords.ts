import { hash, type Options, verify } from "@node-rs/argon2";
import { TooBusy } from "../decisions/refusals.js";

/** argon2id, 64 MiB, three passes, four lanes: RFC 9106's second recommendation, and passlib's default. */
const ARGON2: Options = Object.freeze({
  algorithm: 2, // Algorithm.Argon2id, which is an ambient const enum
  memoryCost: 65_536,
  timeCost: 3,
  parallelism: 4,
});

export interface PasswordsOptions {
  /** Passwords that are hashed at once: each takes 64 MiB and a thread of libuv's four. */
  readonly atOnce: number;
  /** Passwords that wait; one more is refused with TooBusy. */
  readonly waiting: number;
}

/** Hashes and verifies people's passwords off the main thread, a bounded number at once. */
export class Passwords {
  private running = 0;
  private readonly queue: (() => void)[] = [];

  constructor(private readonly options: PasswordsOptions) {}

  /** The hash in PHC form, with a random salt. Raises TooBusy, and what `begin` raises when it is this password's turn. */
  hash(password: string, begin: () => void = () => undefined): Promise<string> {
    return this.inTurn(async () => {
      begin();
      return hash(password, ARGON2);
    });
  }

  /** Raises TooBusy, and what `begin` raises, which is called when it is this password's turn. */
  verify(phc: string, password: string, begin: () => void = () => undefined): Promise<boolean> {
    return this.inTurn(async () => {
      begin();
      return verify(phc, password);
    });
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < this.options.atOnce) this.running++;
    else await this.turn();
    try {
      return await work();
    } finally {
      const next = this.queue.shift();
      if (next) next();
      else this.running--;
    }
  }

  private turn(): Promise<void> {
    if (this.queue.length >= this.options.waiting) throw new TooBusy();
    return new Promise((resolve) => this.queue.push(resolve));
  }
}
