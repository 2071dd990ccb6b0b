import type { Machine } from "../frame/machine.js";
import type { Report } from "../frame/report.js";

/** The figures of the kept runs that the capacity page is worked out from. */
export class Figures {
  readonly #reports: ReadonlyMap<string, Report>;

  constructor(reports: readonly Report[]) {
    this.#reports = new Map(reports.map((report) => [report.benchmark, report]));
  }

  /** What it was measured on: the machine of the run of growth. */
  get machine(): Machine | undefined {
    return this.#reports.get("scale")?.machine;
  }

  /** Undefined: no run of that benchmark is kept. Raises Error when one is, but without that row. */
  of(benchmark: string, name: string): number | undefined {
    const report = this.#reports.get(benchmark);
    if (report === undefined) return undefined;
    const found = report.rows.find((row) => row.name === name);
    if (found === undefined) throw new Error(`the kept run of ${benchmark} has no row "${name}"`);
    return found.value;
  }

  /** The sum of the rows whose name begins so; undefined: no such run, or none of it (a part that was left out). */
  sum(benchmark: string, begin: string): number | undefined {
    const rows = this.#reports.get(benchmark)?.rows.filter(({ name }) => name.startsWith(begin)) ?? [];
    return rows.length === 0 ? undefined : rows.reduce((sum, { value }) => sum + value, 0);
  }

  /** A point of a curve; undefined: it was not measured there. */
  at(series: string, x: number): number | undefined {
    return this.curve(series).find((point) => point.x === x)?.value;
  }

  /** The last point of a curve. */
  last(series: string): number | undefined {
    return this.curve(series).at(-1)?.value;
  }

  /** Where a curve was measured, and what. */
  curve(series: string): { readonly x: number; readonly value: number }[] {
    const rows = this.#reports.get("scale")?.rows ?? [];
    return rows.flatMap(({ curve, value }) => (curve?.series === series ? [{ x: curve.x, value }] : []));
  }
}
