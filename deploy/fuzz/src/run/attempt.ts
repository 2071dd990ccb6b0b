import { createContext, Script } from "node:vm";
import type { Target } from "../target.js";
import { type Begun, begin, confirm, ENDLESS_MS, isWithin, OutOfBounds } from "./bounds.js";

/** What an input does that none may do. */
export interface Failure {
  readonly input: Uint8Array;
  readonly error: unknown;
}

export interface Attempted {
  /** How many inputs ran, and how many of them were taken. */
  readonly ran: number;
  readonly taken: number;
  /** What the last of them did, where that is wrong. */
  readonly failure?: Failure;
}

/**
 * Runs inputs of a target one after the other, until one fails.
 *
 * @param endlessMs after which one counts as endless
 */
export async function attempt(
  target: Target,
  inputs: readonly Uint8Array[],
  endlessMs: number = ENDLESS_MS,
): Promise<Attempted> {
  const attempts = new Attempts(target, inputs);
  while (attempts.ran < inputs.length) {
    try {
      atOnce(() => attempts.some(), endlessMs);
      await attempts.settle(endlessMs);
    } catch (error) {
      const input = inputs[attempts.ran - 1] ?? new Uint8Array();
      const { ran, taken } = attempts;
      return { ran, taken, failure: { input, error: isEndless(error) ? endless(endlessMs) : error } };
    }
  }
  const { ran, taken } = attempts;
  return { ran, taken };
}

class Attempts {
  ran = 0;
  taken = 0;
  private begun: Begun = begin();
  private pending: Promise<boolean> | undefined;
  private isSlow = false;

  constructor(
    private readonly target: Target,
    private readonly inputs: readonly Uint8Array[],
  ) {}

  /** Runs those that return at once; stops behind one that is slow, or has to be waited for. */
  some(): void {
    while (this.ran < this.inputs.length && this.pending === undefined && !this.isSlow) {
      const input = this.inputs[this.ran++] as Uint8Array;
      this.begun = begin();
      const result = this.target.run(input);
      if (typeof result !== "boolean") this.pending = result;
      else {
        if (result) this.taken++;
        this.isSlow = !this.isWithin(input);
      }
    }
  }

  /** What the last one left to do. */
  async settle(endlessMs: number): Promise<void> {
    const input = this.inputs[this.ran - 1] as Uint8Array;
    const { pending } = this;
    this.pending = undefined;
    if (pending !== undefined) {
      if (await inTime(pending, endlessMs)) this.taken++;
      this.isSlow = !this.isWithin(input);
    }
    const { isSlow } = this;
    this.isSlow = false;
    if (isSlow) await confirm(() => this.target.run(input), this.sizeOf(input));
  }

  private isWithin(input: Uint8Array): boolean {
    return isWithin(this.begun, this.sizeOf(input));
  }

  private sizeOf({ length }: Uint8Array): number {
    return Math.max(length, this.target.growsTo ?? 0);
  }
}

const context = createContext({ run: undefined });
const call = new Script("run()");
const TIMEOUT = "ERR_SCRIPT_EXECUTION_TIMEOUT";

/** Runs it so that V8 ends it after a time, be it in an endless loop. */
function atOnce(run: () => void, timeout: number): void {
  context["run"] = run;
  call.runInContext(context, { timeout });
}

async function inTime(pending: Promise<boolean>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(endless(ms)), ms);
  try {
    return await Promise.race([pending, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function isEndless(error: unknown): boolean {
  // Not an Error of ours: it was made in the other context.
  return typeof error === "object" && error !== null && "code" in error && error.code === TIMEOUT;
}

function endless(ms: number): OutOfBounds {
  return new OutOfBounds(`does not end within ${ms / 1_000} s`);
}
