import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { metricProblems, observabilityProblems } from "./check.js";
import { dashboardJson, graph, stat } from "./dashboard.js";
import { dashboards } from "./dashboards.js";
import { askedBy, groupedBy } from "./promql.js";

const ROOT = join(import.meta.dirname, "../../..");

describe("an expression", () => {
  it("names the metrics that it asks for, and their labels", () => {
    const expr =
      'histogram_quantile(0.99, sum by (le, model) (rate(a_bucket{outcome="stored",service=~"x|y"}[$__rate_interval]))) > on (model) b';
    expect(askedBy(expr)).toEqual([
      { metric: "a_bucket", labels: { outcome: "stored", service: undefined } },
      { metric: "b", labels: {} },
    ]);
    expect(groupedBy(expr)).toEqual(["le", "model"]);
  });

  it.each(["sum(a", "rate(a[5m)", 'a{b="c}', "1 +", '{service="x"}', ""])("%s is none", (expr) => {
    expect(() => askedBy(expr)).toThrow(SyntaxError);
  });
});

describe("the dashboards", () => {
  it("say of every panel what it shows, of which unit, and have no name twice", () => {
    const panels = dashboards.flatMap(({ rows }) => Object.values(rows).flat());
    expect(panels.filter(({ about, unit }) => about.length < 5 || unit === "")).toEqual([]);
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length);
  });

  it("fill the width, row by row, without covering each other", () => {
    const panel = { title: "t", about: "about", unit: "s", asks: { "{{a}}": "a", b: "b" } };
    const made = dashboardJson({
      ...{ uid: "u", title: "t", about: "a" },
      rows: { one: [stat(panel), stat(panel)], two: [graph({ ...panel, thresholds: { warn: 1, bad: 2 } })] },
    }) as { panels: { id: number; gridPos: object; targets?: { refId: string; legendFormat: string }[] }[] };
    expect(made.panels.map(({ id, gridPos }) => [id, gridPos])).toEqual([
      [1, { x: 0, y: 0, w: 24, h: 1 }],
      [2, { x: 0, y: 1, w: 12, h: 4 }],
      [3, { x: 12, y: 1, w: 12, h: 4 }],
      [4, { x: 0, y: 5, w: 24, h: 1 }],
      [5, { x: 0, y: 6, w: 24, h: 8 }],
    ]);
    expect(made.panels[4]?.targets?.map(({ refId, legendFormat }) => [refId, legendFormat])).toEqual([
      ["A", "{{a}}"],
      ["B", "b"],
    ]);
  });
});

describe("the check", () => {
  it("finds nothing wrong with this repository", () => {
    expect(observabilityProblems(ROOT)).toEqual([]);
  });

  // CI has no Prometheus; Debian's package of that name brings promtool.
  it.each([
    ["check", "alerts.yml"],
    ["test", "alerts.test.yml"],
  ])("agrees with promtool %s rules, where that is installed", (command, file) => {
    const cwd = join(ROOT, "deploy/observability");
    const { error, status, stdout, stderr } = spawnSync("promtool", [command, "rules", file], { cwd });
    if (error === undefined) expect(`${status} ${stdout}${stderr}`).toMatch(/^0 /);
    else expect(error).toMatchObject({ code: "ENOENT" });
  });

  it("names what no system has", () => {
    const problems = metricProblems(ROOT, '# TYPE fieldlog_ready gauge\nfieldlog_ready{name="log"} 1\n');
    expect(problems).toContain("FieldlogNotReady: nothing that is asked for has a label check");
    expect(problems).toContain("FieldlogNotFlushed: nobody has a metric fieldlog_log_flushed");
    expect(problems).toContain(
      "deploy/observability/RUNBOOK.md: nobody has a metric fieldlog_tls_certificate_not_after_timestamp_seconds",
    );
    expect(problems).not.toContain("deploy/observability/RUNBOOK.md: nobody has a metric fieldlog_ready");
  });
});
