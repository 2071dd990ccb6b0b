import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Dashboard } from "./dashboard.js";
import { dashboards } from "./dashboards.js";
import { type Alert, alertsOf, runbookOf, staleFiles } from "./files.js";
import { type Asked, askedBy, groupedBy } from "./promql.js";

/** Files in which metrics are named in other words than PromQL's. */
const OTHERS = [
  "deploy/observability/RUNBOOK.md",
  "deploy/k8s/overlays/production/autoscaling.yaml",
  "deploy/k8s/overlays/production/prometheus-adapter.values.yaml",
];
/** Histograms are asked for by these parts. */
const PART = /_(bucket|count|sum)$/;
/** What who collects metrics adds. */
const TARGET_LABELS = ["job", "instance", "namespace", "pod", "le"];

/** What is wrong, without a system that runs; nothing is wrong with none. */
export function observabilityProblems(root: string): string[] {
  const alerts = alertsOf(root);
  return [
    ...staleFiles(root).map((file) => `${file} is not current: npm run deploy:check -- --write`),
    ...expressions(alerts).flatMap(({ from, expr }) => parseProblems(from, expr)),
    ...alerts.flatMap((alert) => alertProblems(alert)),
    ...runbookProblems(alerts, runbookOf(root)),
  ];
}

/** What is wrong with them given the answers of a started system at /metrics, of all its processes together. */
export function metricProblems(root: string, exposed: string): string[] {
  const types = new Set([...exposed.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name ?? ""));
  const known = (metric: string) => types.has(metric) || types.has(metric.replace(PART, ""));
  const named = OTHERS.flatMap((file) =>
    [...readFileSync(join(root, file), "utf8").matchAll(/\b(fieldlog|nodejs|process)_[a-z0-9_]+/g)].map(
      ([metric]) => ({ from: file, metric }),
    ),
  );
  const labels = labelsOf(exposed);
  return [
    ...named
      .filter(({ metric }) => !known(metric))
      .map(({ from, metric }) => `${from}: nobody has a metric ${metric}`),
    ...expressions(alertsOf(root)).flatMap(({ from, expr }) => {
      const asked = askedBy(expr);
      const lost = asked.filter(({ metric }) => metric !== "up" && !known(metric));
      return [
        ...lost.map(({ metric }) => `${from}: nobody has a metric ${metric}`),
        ...labelProblems(asked, groupedBy(expr), labels).map((problem) => `${from}: ${problem}`),
      ];
    }),
  ];
}

function expressions(alerts: readonly Alert[]): { from: string; expr: string }[] {
  const ofPanels = dashboards.flatMap(({ title, rows }: Dashboard) =>
    Object.values(rows)
      .flat()
      .flatMap((panel) =>
        Object.values(panel.asks).map((expr) => ({ from: `${title}, ${panel.title}`, expr })),
      ),
  );
  return [...ofPanels, ...alerts.map(({ alert, expr }) => ({ from: alert, expr }))];
}

function parseProblems(from: string, expr: string): string[] {
  try {
    askedBy(expr);
    return [];
  } catch (error) {
    return [`${from}: ${(error as Error).message}`];
  }
}

function alertProblems({ alert, labels, annotations }: Alert): string[] {
  const wrong = [
    /^Fieldlog[A-Z][A-Za-z]+$/.test(alert) || "its name is not Fieldlog…",
    ["critical", "warning"].includes(labels["severity"] ?? "") || "it has no severity",
    annotations["summary"] !== undefined || "it has no summary",
    annotations["runbook"] === `deploy/observability/RUNBOOK.md#${alert.toLowerCase()}` ||
      "it does not lead to its section of the runbook",
    dashboards.some(({ uid }) => uid === annotations["dashboard"]) || "it names no dashboard",
  ];
  return wrong.filter((problem) => problem !== true).map((problem) => `${alert}: ${problem}`);
}

/** What a section tells of its alert. */
const PARTS = ["**Means.**", "**Look at.**", "**Do.**"];

function runbookProblems(alerts: readonly Alert[], runbook: ReadonlyMap<string, string>): string[] {
  const names = alerts.map(({ alert }) => alert);
  const sections = [...runbook].filter(([heading]) => heading.startsWith("Fieldlog"));
  return [
    ...names.filter((name) => !runbook.has(name)).map((name) => `RUNBOOK.md has no section ${name}`),
    ...sections
      .filter(([heading]) => !names.includes(heading))
      .map(([heading]) => `RUNBOOK.md: there is no alert ${heading}`),
    ...sections.flatMap(([heading, text]) =>
      PARTS.filter((part) => !text.includes(part)).map((part) => `RUNBOOK.md: ${heading} lacks ${part}`),
    ),
  ];
}

/** By metric that has samples, the labels that these have. */
function labelsOf(exposed: string): Map<string, Set<string>> {
  const labels = new Map<string, Set<string>>();
  for (const [, metric = "", pairs = ""] of exposed.matchAll(/^([a-z]\w*)(?:\{(.*)\})? \S+$/gm)) {
    const known = labels.get(metric) ?? new Set();
    for (const [, label = ""] of pairs.matchAll(/(\w+)="/g)) known.add(label);
    labels.set(metric, known);
  }
  return labels;
}

function labelProblems(
  asked: readonly Asked[],
  grouped: readonly string[],
  known: ReadonlyMap<string, ReadonlySet<string>>,
): string[] {
  const matched = asked.flatMap(({ metric, labels }) =>
    Object.keys(labels)
      .filter((label) => known.get(metric)?.has(label) === false && !TARGET_LABELS.includes(label))
      .map((label) => `${metric} has no label ${label}`),
  );
  // Only where all that is asked for has samples is it known which labels there may be.
  const sets = asked.map(({ metric }) => known.get(metric));
  if (sets.some((set) => set === undefined)) return matched;
  const lost = grouped.filter(
    (label) => !TARGET_LABELS.includes(label) && !sets.some((set) => set?.has(label)),
  );
  return [...matched, ...lost.map((label) => `nothing that is asked for has a label ${label}`)];
}
