import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chartOf } from "./chart.js";
import { curvesOf } from "./curves.js";
import { type Report, wholeJsonOf } from "./report.js";

/** The last run of each benchmark that was kept: `results/<benchmark>.json` and `charts/<benchmark>.svg`. */
export class KeptRuns {
  constructor(private readonly folder: string) {}

  async last(benchmark: string): Promise<Report | undefined> {
    try {
      return JSON.parse(await readFile(this.file(benchmark), "utf8"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Of all these benchmarks, without those of which none is kept. */
  async all(benchmarks: readonly string[]): Promise<Report[]> {
    const reports = await Promise.all(benchmarks.map((benchmark) => this.last(benchmark)));
    return reports.filter((report) => report !== undefined);
  }

  /** In the place of the one before. */
  async keep(report: Report): Promise<void> {
    const { benchmark } = report;
    await mkdir(join(this.folder, "results"), { recursive: true });
    await mkdir(join(this.folder, "charts"), { recursive: true });
    const chart = report.rows.some(({ curve }) => curve !== null) ? curvesOf(report) : chartOf(report);
    await writeFile(this.file(benchmark), `${wholeJsonOf(report)}\n`);
    await writeFile(join(this.folder, "charts", `${benchmark}.svg`), `${chart}\n`);
  }

  private file(benchmark: string): string {
    return join(this.folder, "results", `${benchmark}.json`);
  }
}
