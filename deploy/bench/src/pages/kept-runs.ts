import { type Report, wordsOf } from "../frame/report.js";
import { percent } from "../frame/stolen.js";
import { markdownTable } from "./markdown.js";
import { targetsOf } from "./targets.js";

const BEGIN = "<!-- kept runs: written by npm run bench -- pages -->";
const END = "<!-- end of kept runs -->";

/** A README whose list of kept runs is that of these. Raises Error when it has no place for it. */
export function withKeptRuns(readme: string, reports: readonly Report[]): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`there is no place between ${BEGIN} and ${END}`);
  return `${readme.slice(0, begin)}${BEGIN}\n\n${keptRuns(reports)}\n\n${readme.slice(end)}`;
}

function keptRuns(reports: readonly Report[]): string {
  if (reports.length === 0) return "No run is kept yet.";
  const targets = targetsOf(reports);
  const met = targets.filter((target) => target.met).length;
  return [
    markdownTable(
      ["benchmark", "date", "commit", "took", "machine", "taken by others", "targets met"],
      reports.map((report) => [
        `[${report.benchmark}](results/${report.benchmark}.json)`,
        report.date.slice(0, 16).replace("T", " "),
        report.commit,
        `${Math.round(report.tookS)} s`,
        wordsOf(report.machine),
        report.stolen == null ? "" : percent(report.stolen),
        metOf(report),
      ]),
    ),
    `${met} of ${targets.length} targets are met:`,
    markdownTable(
      ["benchmark", "what", "figure", "to reach", ""],
      targets.map(({ benchmark, what, figure, target, by }) => [benchmark, what, figure, target, by]),
    ),
    ...reports.map(({ benchmark }) => `![${benchmark}](charts/${benchmark}.svg)`),
  ].join("\n\n");
}

function metOf(report: Report): string {
  const targets = targetsOf([report]);
  return targets.length === 0 ? "" : `${targets.filter(({ met }) => met).length} of ${targets.length}`;
}
