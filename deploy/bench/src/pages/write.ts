import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeptRuns } from "../frame/kept.js";
import type { Report } from "../frame/report.js";
import { capacityPage } from "./capacity.js";
import { withFigures, withKeptRuns } from "./kept-runs.js";

const PROJECT = "../../README.md";

/** Every page that kept runs make, by its path in the benchmarks' folder, as it is to be. */
export async function pagesOf(
  folder: string,
  reports: readonly Report[],
): Promise<ReadonlyMap<string, string>> {
  const readme = await readFile(join(folder, "README.md"), "utf8");
  const ofProject = await readFile(join(folder, PROJECT), "utf8");
  return new Map([
    [PROJECT, withFigures(ofProject, reports)],
    ["README.md", withKeptRuns(readme, reports)],
    ["CAPACITY.md", capacityPage(reports)],
  ]);
}

/** Writes them. @param names of the benchmarks, in the order in which they are shown */
export async function writePages(folder: string, kept: KeptRuns, names: readonly string[]): Promise<void> {
  for (const [path, text] of await pagesOf(folder, await kept.all(names))) {
    await writeFile(join(folder, path), text);
  }
}
