import { type Profiler, Session } from "node:inspector";

type Interval = readonly [from: number, to: number];

/** What of the code has run, by V8's own count of blocks. While it is on, code runs slower. */
export class Coverage {
  private readonly session = new Session();
  /** By function: the stretches of its source that never ran. */
  private never = new Map<string, readonly Interval[]>();

  /** @param ours whether a script of that URL counts */
  constructor(private readonly ours: (url: string) => boolean) {
    this.session.connect();
    this.session.post("Profiler.enable");
    this.session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  /** Characters of source that ran for the first time since the last call. Takes some milliseconds. */
  fresh(): number {
    let count = 0;
    for (const { scriptId, url, functions } of this.taken()) {
      if (!this.ours(url)) continue;
      for (const { ranges } of functions) count += this.note(scriptId, ranges);
    }
    return count;
  }

  /** What {@link reset} goes back to. */
  mark(): ReadonlyMap<string, readonly Interval[]> {
    return new Map(this.never);
  }

  /** What has run since then counts as new once more. */
  reset(mark: ReadonlyMap<string, readonly Interval[]> = new Map()): void {
    this.never = new Map(mark);
  }

  end(): void {
    this.session.post("Profiler.stopPreciseCoverage");
    this.session.disconnect();
  }

  private taken(): readonly Profiler.ScriptCoverage[] {
    let taken: readonly Profiler.ScriptCoverage[] = [];
    // Answered before it returns: the session is of this thread.
    this.session.post("Profiler.takePreciseCoverage", (_error, { result }) => {
      taken = result;
    });
    return taken;
  }

  private note(script: string, [whole, ...blocks]: readonly Profiler.CoverageRange[]): number {
    if (whole === undefined || whole.count === 0) return 0;
    const key = `${script}:${whole.startOffset}:${whole.endOffset}`;
    const before = this.never.get(key) ?? [[whole.startOffset, whole.endOffset]];
    if (before.length === 0) return 0;
    const idle = blocks
      .filter(({ count }) => count === 0)
      .map(({ startOffset, endOffset }) => [startOffset, endOffset] as const);
    const after = inBoth(before, idle);
    this.never.set(key, after);
    return lengthOf(before) - lengthOf(after);
  }
}

function inBoth(some: readonly Interval[], others: readonly Interval[]): Interval[] {
  return some.flatMap(([from, to]) =>
    others
      .map(([begin, end]): Interval => [Math.max(from, begin), Math.min(to, end)])
      .filter(([begin, end]) => begin < end),
  );
}

function lengthOf(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, [from, to]) => sum + to - from, 0);
}
