import { type Report, wordsOf } from "../frame/report.js";
import { percent } from "../frame/stolen.js";
import { markdownTable } from "./markdown.js";
import { targetsOf } from "./targets.js";

const BEGIN = "<!-- kept runs: written by npm run bench -- pages -->";
const END = "<!-- end of kept runs -->";
/** The charts that the project's README shows. */
const SHOWN = ["ingest", "mqtt", "fanout"];

/** The benchmarks' README whose list of kept runs is that of these. Raises Error when it has no place for it. */
export function withKeptRuns(readme: string, reports: readonly Report[]): string {
  return inPlace(readme, reports, keptRuns);
}

/** The project's README with the targets of these, and some of their charts. Raises Error when it has no place for them. */
export function withFigures(readme: string, reports: readonly Report[]): string {
  return inPlace(readme, reports, figures);
}

function inPlace(readme: string, reports: readonly Report[], text: typeof figures): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`there is no place between ${BEGIN} and ${END}`);
  const written = reports.length === 0 ? "No run is kept yet." : text(reports);
  return `${readme.slice(0, begin)}${BEGIN}\n\n${written}\n\n${readme.slice(end)}`;
}

function figures(reports: readonly Report[]): string {
  const days = [...new Set(reports.map(({ date }) => date.slice(0, 10)))].sort();
  const machines = [...new Set(reports.map(({ machine }) => wordsOf(machine)))];
  const shown = reports.filter(({ benchmark }) => SHOWN.includes(benchmark));
  return [
    `Kept runs of ${days.join(", ")}; clients, servers and database share ${machines.join("; or ")}.`,
    targetTable(reports),
    ...shown.map(({ benchmark }) => `![${benchmark}](deploy/bench/charts/${benchmark}.svg)`),
  ].join("\n\n");
}

function targetTable(reports: readonly Report[]): string {
  const targets = targetsOf(reports);
  const met = targets.filter((target) => target.met).length;
  const table = markdownTable(
    ["benchmark", "what", "figure", "to reach", ""],
    targets.map(({ benchmark, what, figure, target, by }) => [benchmark, what, figure, target, by]),
  );
  return `${met} of ${targets.length} targets are met:\n\n${table}`;
}

function keptRuns(reports: readonly Report[]): string {
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
    targetTable(reports),
    ...reports.map(({ benchmark }) => `![${benchmark}](charts/${benchmark}.svg)`),
  ].join("\n\n");
}

function metOf(report: Report): string {
  const targets = targetsOf([report]);
  return targets.length === 0 ? "" : `${targets.filter(({ met }) => met).length} of ${targets.length}`;
}
