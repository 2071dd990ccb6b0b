import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { dashboardJson } from "./dashboard.js";
import { dashboards } from "./dashboards.js";

const FOLDER = "deploy/observability";

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Rules {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Alert[] }[];
}

/** The alert rules of the repository at `root`. */
export function alertsOf(root: string): readonly Alert[] {
  return rulesOf(root).groups.flatMap(({ rules }) => rules);
}

/** The runbook's sections by their headings: what each says. */
export function runbookOf(root: string): ReadonlyMap<string, string> {
  const [, ...sections] = textOf(root, "RUNBOOK.md").split(/^## /m);
  return new Map(sections.map((section) => [section.split("\n", 1)[0]?.trim() ?? "", section]));
}

/** What is made of the descriptions here and of alerts.yml: by path below the folder, the content. */
export function generatedFiles(root: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const dashboard of dashboards) {
    files.set(`dashboards/${dashboard.uid}.json`, `${JSON.stringify(dashboardJson(dashboard), null, 1)}\n`);
  }
  files.set("rules.yaml", rulesManifest(rulesOf(root)));
  return files;
}

/** Those that are not as they should be. */
export function staleFiles(root: string): string[] {
  const isCurrent = ([path, content]: [string, string]) => textOf(root, path) === content;
  return [...generatedFiles(root)].filter((file) => !isCurrent(file)).map(([path]) => join(FOLDER, path));
}

export function writeFiles(root: string): void {
  for (const [path, content] of generatedFiles(root)) writeFileSync(join(root, FOLDER, path), content);
}

/** The same rules as an object of the Prometheus operator. */
function rulesManifest(rules: Rules): string {
  const manifest = {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name: "fieldlog" },
    spec: rules,
  };
  return `# Made of alerts.yml by npm run deploy:check -- --write.\n${stringify(manifest, { lineWidth: 0 })}`;
}

function rulesOf(root: string): Rules {
  return parse(textOf(root, "alerts.yml")) as Rules;
}

/** Empty: there is no such file. */
function textOf(root: string, path: string): string {
  const file = join(root, FOLDER, path);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}
