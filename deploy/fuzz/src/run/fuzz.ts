import { Chance } from "../chance.js";
import { mutate } from "../mutate/mutate.js";
import type { Target } from "../target.js";
import { attempt, type Failure } from "./attempt.js";
import type { Coverage } from "./coverage.js";
import { type Finding, keyOf, shrunk } from "./finding.js";

export interface FuzzOptions {
  readonly seed: number;
  /** Milliseconds after which it ends. */
  readonly ms: number;
  /** Inputs after which it ends. Default: as many as the time allows. */
  readonly inputs?: number;
  /** Inputs to begin with, besides the target's seeds. */
  readonly corpus?: readonly Uint8Array[];
  /** Inputs that reach what none before them reached are kept, to be changed further. Absent: none are. */
  readonly coverage?: Coverage;
  /** Milliseconds after which an input counts as endless. Default: 10 s. */
  readonly endlessMs?: number;
  readonly onFinding?: (finding: Finding) => void;
  /** Ends it early. */
  readonly signal?: AbortSignal;
}

export interface Fuzzed {
  /** How many inputs ran, and how many of them the target took. */
  readonly inputs: number;
  readonly taken: number;
  readonly findings: readonly Finding[];
  /** Those that reached something new. */
  readonly kept: readonly Uint8Array[];
}

const FIRST_BATCH = 16;
/** Looking at what has run takes as long as some hundred inputs: the longer nothing new shows, the seldomer. */
const LARGEST_BATCH = 1_024;
/** Kept inputs that are longer than this say little. */
const KEPT_BYTES = 4 * 1024;
/** A target that fails so often in different ways is to be mended first. */
const MOST_FINDINGS = 10;

/** Looks for inputs on which a target fails. The same seed and number of inputs are the same inputs, without coverage. */
export async function fuzz(target: Target, options: FuzzOptions): Promise<Fuzzed> {
  const run = new Run(target, options);
  await run.begin();
  while (!run.isOver()) await run.batch();
  return run.result();
}

class Run {
  private readonly chance: Chance;
  private readonly until: number;
  private readonly words: readonly Uint8Array[];
  private readonly pool: Uint8Array[] = [];
  private readonly kept: Uint8Array[] = [];
  private readonly findings = new Map<string, Finding>();
  private inputs = 0;
  private taken = 0;
  private size = FIRST_BATCH;

  constructor(
    private readonly target: Target,
    private readonly options: FuzzOptions,
  ) {
    this.chance = new Chance(options.seed, target.name);
    this.until = performance.now() + options.ms;
    this.words = (target.words ?? []).map((word) => Buffer.from(word));
  }

  isOver(): boolean {
    const { inputs = Number.POSITIVE_INFINITY, signal } = this.options;
    return (
      this.inputs >= inputs ||
      performance.now() >= this.until ||
      this.findings.size >= MOST_FINDINGS ||
      signal?.aborted === true
    );
  }

  result(): Fuzzed {
    const { inputs, taken, findings, kept } = this;
    return { inputs, taken, findings: [...findings.values()], kept };
  }

  /** With the target's own inputs, and of the corpus those that reach something else. */
  async begin(): Promise<void> {
    const { coverage, corpus = [] } = this.options;
    this.pool.push(...this.target.seeds, ...corpus);
    await this.tried(this.target.seeds);
    coverage?.fresh();
    for (const input of corpus) {
      await this.tried([input]);
      if ((coverage?.fresh() ?? 0) > 0) this.kept.push(input);
    }
  }

  async batch(): Promise<void> {
    const before = this.pool.length;
    await this.explore(Array.from({ length: this.size }, () => this.another()));
    const grew = this.pool.length > before;
    this.size = grew ? Math.max(FIRST_BATCH, this.size >> 2) : Math.min(LARGEST_BATCH, this.size * 2);
  }

  /** Runs them, and keeps those that reach something new: found by halves, since all that is told is what any has reached. */
  private async explore(inputs: readonly Uint8Array[]): Promise<void> {
    const { coverage } = this.options;
    const before = coverage?.mark();
    await this.tried(inputs);
    if (coverage === undefined || coverage.fresh() === 0) return;
    const [only, ...others] = inputs;
    if (only !== undefined && others.length === 0) {
      if (only.length <= KEPT_BYTES) this.keep(only);
      return;
    }
    coverage.reset(before);
    const middle = inputs.length >> 1;
    await this.explore(inputs.slice(0, middle));
    await this.explore(inputs.slice(middle));
  }

  private keep(input: Uint8Array): void {
    this.pool.push(input);
    this.kept.push(input);
  }

  private another(): Uint8Array {
    const { chance, pool, target } = this;
    // What was found last has been changed least.
    const from = chance.oneIn(2)
      ? pool[pool.length - 1 - chance.below(Math.min(16, pool.length))]
      : undefined;
    const around = { words: this.words, other: chance.of(pool) };
    return mutate(chance, from ?? chance.of(pool), around, target);
  }

  private async tried(inputs: readonly Uint8Array[]): Promise<void> {
    for (let rest = inputs; rest.length > 0; ) {
      const { ran, taken, failure } = await attempt(this.target, rest, this.options.endlessMs);
      this.inputs += ran;
      this.taken += taken;
      rest = rest.slice(ran);
      if (failure !== undefined) await this.found(failure);
    }
  }

  private async found(failure: Failure): Promise<void> {
    const key = keyOf(failure);
    if (this.findings.has(key)) return;
    const shorter = await shrunk(this.target, failure);
    const finding = { ...shorter, target: this.target.name, key };
    this.findings.set(key, finding);
    this.options.onFinding?.(finding);
  }
}
