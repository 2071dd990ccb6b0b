/** Shows each step with what it took, and collects what is not right. */
export class Steps {
  readonly problems: string[] = [];

  /** What it returns. Raises what it raises, after it has said at which step. */
  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    const began = Date.now();
    const told = this.problems.length;
    try {
      const value = await work();
      const mark = this.problems.length > told ? "✗" : "✓";
      process.stderr.write(`${mark} ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)\n`);
      return value;
    } catch (error) {
      process.stderr.write(`✗ ${name}\n`);
      throw error;
    }
  }

  must(holds: boolean, problem: string): void {
    if (!holds) this.problems.push(problem);
  }

  /** Says how it ended, and sets the exit code. */
  end(summary: string): void {
    for (const problem of this.problems) process.stdout.write(`  found: ${problem}\n`);
    process.stdout.write(`${summary}; ${this.problems.length === 0 ? "all is well" : "not all is well"}\n`);
    process.exitCode = this.problems.length === 0 ? 0 : 1;
  }
}
