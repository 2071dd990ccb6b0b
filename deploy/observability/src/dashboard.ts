/** Grafana's data source that every panel asks; chosen at the top of the dashboard. */
const SOURCE = { type: "prometheus", uid: "$" + "{source}" } as const;
const COLUMNS = 24;

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A value from which on a panel is yellow, and one from which on it is red. */
export interface Thresholds {
  readonly warn?: number;
  readonly bad: number;
  /** The lower the worse. Default false. */
  readonly below?: boolean;
}

export interface Panel {
  readonly kind: "stat" | "graph";
  readonly title: string;
  /** What it shows, and what to make of it. */
  readonly about: string;
  /** Of Grafana: short, ops (per second), s, bytes, percentunit, … */
  readonly unit: string;
  /** By legend; `{{label}}` stands for a label's value. */
  readonly asks: Readonly<Record<string, string>>;
  readonly thresholds?: Thresholds;
  /** Areas on top of each other: parts of a whole. */
  readonly stacked?: boolean;
}

export interface Dashboard {
  /** Also the file's name. */
  readonly uid: string;
  readonly title: string;
  readonly about: string;
  /** Panels that stand beside each other, by the heading above them. */
  readonly rows: Readonly<Record<string, readonly Panel[]>>;
}

/** One number, of now. */
export const stat = (panel: Omit<Panel, "kind">): Panel => ({ kind: "stat", ...panel });
/** Over time. */
export const graph = (panel: Omit<Panel, "kind">): Panel => ({ kind: "graph", ...panel });

/** As Grafana reads it from a file. */
export function dashboardJson({ uid, title, about, rows }: Dashboard): Json {
  const panels: Json[] = [];
  let y = 0;
  for (const [heading, row] of Object.entries(rows)) {
    panels.push({
      ...{ id: panels.length + 1, type: "row", title: heading, collapsed: false, panels: [] },
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
    });
    y += 1;
    const w = Math.floor(COLUMNS / row.length);
    const h = row.every(({ kind }) => kind === "stat") ? 4 : 8;
    row.forEach((panel, i) => {
      panels.push({ id: panels.length + 1, ...panelJson(panel), gridPos: { x: i * w, y, w, h } });
    });
    y += h;
  }
  return {
    ...{ uid, title, description: about, tags: ["fieldlog"], schemaVersion: 41, version: 1 },
    ...{ editable: false, graphTooltip: 1, refresh: "30s", timezone: "browser" },
    time: { from: "now-3h", to: "now" },
    links: [
      {
        ...{ type: "dashboards", title: "Fieldlog", tags: ["fieldlog"], asDropdown: true },
        ...{ keepTime: true, includeVars: true },
      },
    ],
    templating: {
      list: [
        { name: "source", label: "Source", type: "datasource", query: "prometheus" },
        // Any label, such as job, instance or Kubernetes' namespace and pod: it holds for every panel.
        { name: "only", label: "Only", type: "adhoc", datasource: SOURCE },
      ],
    },
    panels,
  };
}

function panelJson({ kind, title, about, unit, asks, thresholds, stacked }: Panel): { [key: string]: Json } {
  const targets = Object.entries(asks).map(([legend, expr], i) => ({
    ...{ refId: String.fromCharCode(65 + i), datasource: SOURCE, expr, legendFormat: legend },
    ...(kind === "stat" ? { instant: true } : {}),
  }));
  return {
    ...{
      type: kind === "stat" ? "stat" : "timeseries",
      title,
      description: about,
      datasource: SOURCE,
      targets,
    },
    fieldConfig: {
      defaults: {
        ...{ unit, min: 0, thresholds: { mode: "absolute", steps: stepsOf(thresholds) } },
        ...(kind === "graph" ? { custom: lines(thresholds, stacked) } : { color: { mode: "thresholds" } }),
      },
      overrides: [],
    },
    options:
      kind === "stat"
        ? { reduceOptions: { calcs: ["lastNotNull"] }, colorMode: "value", graphMode: "area" }
        : { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } },
  };
}

function lines(thresholds: Thresholds | undefined, stacked = false): { [key: string]: Json } {
  return {
    ...{ drawStyle: "line", lineWidth: 1, fillOpacity: stacked ? 40 : 10, showPoints: "never" },
    ...{ stacking: { mode: stacked ? "normal" : "none", group: "A" } },
    thresholdsStyle: { mode: thresholds ? "dashed" : "off" },
  };
}

function stepsOf(thresholds: Thresholds | undefined): Json[] {
  if (thresholds === undefined) return [{ color: "green", value: null }];
  const { warn, bad, below = false } = thresholds;
  if (below) {
    const low = [
      { color: "red", value: null },
      ...(warn === undefined ? [] : [{ color: "yellow", value: bad }]),
    ];
    return [...low, { color: "green", value: warn ?? bad }];
  }
  const yellow = warn === undefined ? [] : [{ color: "yellow", value: warn }];
  return [{ color: "green", value: null }, ...yellow, { color: "red", value: bad }];
}
