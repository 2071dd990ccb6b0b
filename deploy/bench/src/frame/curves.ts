import { LineChart } from "echarts/charts";
import { GridComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { type Report, shown, wordsOf } from "./report.js";
import type { Row } from "./result.js";

use([LineChart, GridComponent, TitleComponent, SVGRenderer]);

const COLUMNS = 3;
const PANEL = { width: 330, height: 230 };
const HEAD = 80;

/** The curves of a run as an SVG document, a panel each, along a logarithmic axis. */
export function curvesOf(report: Report): string {
  const panels = [...Map.groupBy(report.rows, keyOf)].flatMap(([key, rows]) => (key === "" ? [] : [rows]));
  const width = COLUMNS * PANEL.width;
  const height = HEAD + Math.ceil(panels.length / COLUMNS) * PANEL.height;
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  const places = panels.map((_, index) => ({
    left: (index % COLUMNS) * PANEL.width + 62,
    top: HEAD + Math.floor(index / COLUMNS) * PANEL.height + 40,
  }));
  const { date, commit, machine, flush, benchmark } = report;
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: [
      {
        text: `${benchmark}: what it costs to grow`,
        subtext: `${date.slice(0, 10)}, commit ${commit}; ${wordsOf(machine)}; flush of 4 KiB: p50 ${shown(flush.p50Ms)} ms`,
        textStyle: { fontSize: 15 },
        ...{ left: 16, top: 10 },
      },
      ...panels.map(([first], index) => ({
        text: `${first?.curve?.series} (${first?.unit})`,
        textStyle: { fontSize: 12, fontWeight: "normal" },
        ...{ left: (places[index]?.left ?? 0) - 40, top: (places[index]?.top ?? 0) - 34 },
      })),
    ],
    grid: places.map((place) => ({ ...place, width: PANEL.width - 90, height: PANEL.height - 100 })),
    xAxis: panels.map(([first], index) => ({
      ...{ type: "log", gridIndex: index, name: first?.curve?.along, nameLocation: "middle", nameGap: 24 },
      ...{ nameTextStyle: { fontSize: 10 }, axisLabel: { fontSize: 9, formatter: short } },
    })),
    yAxis: panels.map((_, index) => ({
      ...{ type: "value", gridIndex: index, min: 0, splitNumber: 4 },
      axisLabel: { fontSize: 9, formatter: short },
    })),
    series: panels.map((rows, index) => ({
      ...{ type: "line", xAxisIndex: index, yAxisIndex: index, symbolSize: 6, color: "#3b6ea5" },
      data: rows.map(({ curve, value }) => [curve?.x ?? 0, value]),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function keyOf({ curve, unit }: Row): string {
  return curve === null ? "" : `${curve.series}\n${unit}`;
}

/** 1200000 as 1.2M. */
function short(value: number): string {
  if (value >= 1e6) return `${value / 1e6}M`;
  return value >= 1e3 ? `${value / 1e3}k` : String(value);
}
