import { between, type Chance, chanceFor, shuffled } from "./chance.js";
import { type Fault, KINDS, type Kind, type Targets } from "./fault.js";

export interface ScheduleOptions {
  readonly seed: number;
  /** ms within which faults begin. */
  readonly durationMs: number;
  /** ms between two faults' begins, on average. */
  readonly gapMs: number;
  readonly targets: Targets;
}

/** How often each kind comes, of the sum of all, and for how many ms. */
const WEIGHTS: Readonly<Record<Kind, { weight: number; forMs: readonly [number, number] }>> = {
  kill: { weight: 8, forMs: [100, 3_000] },
  pause: { weight: 5, forMs: [500, 8_000] },
  restart: { weight: 4, forMs: [100, 2_000] },
  cut: { weight: 4, forMs: [0, 0] },
  refuse: { weight: 3, forMs: [300, 5_000] },
  swallow: { weight: 5, forMs: [100, 2_000] },
  delay: { weight: 3, forMs: [1_000, 6_000] },
  duplicate: { weight: 2, forMs: [2_000, 5_000] },
  part: { weight: 2, forMs: [2_000, 15_000] },
  fill: { weight: 2, forMs: [1_000, 6_000] },
  clock: { weight: 2, forMs: [3_000, 15_000] },
};
const LONGEST_DELAY_MS = 400;
const MOST_SKEW_MS = 40 * 24 * 3_600_000;

/**
 * Which faults come when: the same for the same options. Kinds come by weight, and each kind goes through all of its
 * targets before one comes again. Several may be under way at once, of one target only one.
 */
export function scheduleOf({ seed, durationMs, gapMs, targets }: ScheduleOptions): Fault[] {
  const chance = chanceFor(seed, "schedule");
  const bags = new Map(KINDS.map((kind) => [kind, new Bag(chance, targets[kind])]));
  const free = new Map<string, number>();
  const faults: Fault[] = [];
  for (let atMs = gapMs * chance(); atMs < durationMs; atMs += between(chance, 0.5, 1.5) * gapMs) {
    const kind = kindOf(chance, targets);
    if (kind === undefined) return [];
    const target = bags.get(kind)?.take((one) => (free.get(one) ?? 0) <= atMs);
    const [least, most] = WEIGHTS[kind].forMs;
    const forMs = Math.round(between(chance, least, most));
    const amount = amountOf(kind, chance);
    if (target === undefined) continue;
    free.set(target, atMs + forMs + gapMs);
    faults.push({ kind, target, atMs: Math.round(atMs), forMs, amount });
  }
  return faults;
}

function kindOf(chance: Chance, targets: Targets): Kind | undefined {
  const tickets = KINDS.filter((kind) => targets[kind].length > 0).flatMap((kind) =>
    Array.from({ length: WEIGHTS[kind].weight }, () => kind),
  );
  return tickets[Math.floor(chance() * tickets.length)];
}

function amountOf(kind: Kind, chance: Chance): number {
  const drawn = chance();
  if (kind === "delay") return Math.round(drawn * LONGEST_DELAY_MS);
  if (kind === "part") return Math.round(drawn);
  return kind === "clock" ? Math.round((2 * drawn - 1) * MOST_SKEW_MS) : 0;
}

/** Gives each target once, in a random order, then all again. */
class Bag {
  private left: string[] = [];

  constructor(
    private readonly chance: Chance,
    private readonly all: readonly string[],
  ) {}

  /** The next that fits; undefined: none does just now. */
  take(fits: (target: string) => boolean): string | undefined {
    if (!this.left.some(fits)) this.left = shuffled(this.chance, this.all);
    const at = this.left.findIndex(fits);
    return at < 0 ? undefined : this.left.splice(at, 1)[0];
  }
}
