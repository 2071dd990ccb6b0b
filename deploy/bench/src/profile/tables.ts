import { shown } from "../frame/report.js";
import type { Cost, Costs } from "./costs.js";

const PACKAGES = 15;
const FUNCTIONS = 40;
const ALLOCATING = 25;

/** What profiles add up to, for people; shares of the time in which the process was not idle. */
export function tablesOf(title: string, time: Costs, allocation: Costs): string {
  const idle = time.packages.find(({ name }) => name === "idle")?.self ?? 0;
  const busy = time.total - idle;
  const working = (costs: readonly Cost[]) =>
    costs.filter(({ name }) => name !== "idle" && name !== "(idle)");
  const seconds = (microseconds: number) => `${shown(microseconds / 1e6)} s`;
  const mib = (bytes: number) => `${shown(bytes / 2 ** 20)} MiB`;
  return [
    `${title}: ${seconds(time.total)}, idle ${percent(idle, time.total)}; ${mib(allocation.total)} allocated`,
    table("time by package", working(time.packages).slice(0, PACKAGES), busy, seconds),
    table("time by function", working(time.functions).slice(0, FUNCTIONS), busy, seconds),
    table("allocated by package", allocation.packages.slice(0, PACKAGES), allocation.total, mib),
    table("allocated by function", allocation.functions.slice(0, ALLOCATING), allocation.total, mib),
  ].join("\n\n");
}

function table(
  title: string,
  costs: readonly Cost[],
  total: number,
  amount: (value: number) => string,
): string {
  const lines = costs
    .filter(({ self }) => self > 0)
    .map(({ name, self, whole }) => {
      const cells = [percent(self, total), amount(self), percent(whole, total)];
      return `${cells.map((cell) => cell.padStart(10)).join("")}  ${name}`;
    });
  const header = ["self", "", "with calls"].map((cell) => cell.padStart(10)).join("");
  return [`${header}  ${title}`, ...lines].join("\n");
}

function percent(part: number, of: number): string {
  return `${((100 * part) / Math.max(1, of)).toFixed(1)} %`;
}
