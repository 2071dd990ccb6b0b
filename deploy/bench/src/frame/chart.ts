import { BarChart } from "echarts/charts";
import { GridComponent, MarkLineComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { isBetterSmall, labelOf } from "./compare.js";
import { type Report, shown, wordsOf } from "./report.js";
import type { Row } from "./result.js";

use([BarChart, GridComponent, MarkLineComponent, TitleComponent, SVGRenderer]);

const WIDTH = 960;
const BAR = 34;
const MET = "#2f7d5b";
const MISSED = "#c0392b";
const PLAIN = "#3b6ea5";

interface Bar {
  readonly label: string;
  /** How many times as good as what it stands beside; 1 is equal. */
  readonly times: number;
  readonly text: string;
  readonly colour: string;
}

/**
 * How a run compares, as an SVG document: a bar for each row with a peer (how many times as good), and for each
 * other row with a target (how many times better than it has to be). On a logarithmic axis, so that half as good
 * reaches as far to the left as twice as good to the right.
 */
export function chartOf(report: Report): string {
  const bars = report.rows.flatMap(barOf).reverse();
  const height = 130 + bars.length * BAR;
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  const all = bars.map(({ times }) => times);
  const min = 2 ** Math.floor(Math.log2(Math.min(0.5, ...all)));
  // The figures of the longest bar stand behind it.
  const max = 2 ** Math.ceil(Math.log2(Math.max(2, ...all) * 2));
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    title: {
      text: `${report.benchmark}: how many times as good as what it stands beside`,
      subtext: [
        `${report.date.slice(0, 10)}, commit ${report.commit}; ${wordsOf(report.machine)}`,
        `flush of 4 KiB: p50 ${shown(report.flush.p50Ms)} ms, p99 ${shown(report.flush.p99Ms)} ms. Green: target met; red: missed`,
      ].join("\n"),
      textStyle: { fontSize: 15 },
      left: 16,
      top: 10,
    },
    grid: { left: 400, right: 130, top: 88, bottom: 34 },
    xAxis: { type: "log", logBase: 2, min, max, axisLabel: { formatter: times } },
    yAxis: {
      type: "category",
      data: bars.map(({ label }) => label),
      axisLabel: { width: 330, overflow: "break", fontSize: 11 },
      axisTick: { show: false },
    },
    series: [
      {
        type: "bar",
        // Bars stand on 1, and on a logarithmic axis that is where they begin.
        data: bars.map(({ times: value, text, colour }) => ({
          value,
          itemStyle: { color: colour },
          label: { show: true, position: "right", formatter: text, fontSize: 11 },
        })),
        barWidth: 16,
        markLine: { symbol: "none", silent: true, label: { show: false }, data: [{ xAxis: 1 }] },
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function barOf(row: Row): Bar[] {
  const { ratio, limits, value, unit, met, peerValue } = row;
  const colour = met === null ? PLAIN : met ? MET : MISSED;
  if (ratio !== null && ratio > 0) {
    const good = isBetterSmall(row) ? 1 / ratio : ratio;
    const text = `${times(good)}  (${shown(value)} to ${shown(peerValue ?? 0)} ${unit})`;
    return [{ label: labelOf(row), times: good, text, colour }];
  }
  const limit = limits?.below ?? limits?.atLeast;
  if (limit === undefined || !(value > 0)) return [];
  const good = limits?.below === undefined ? value / limit : limit / value;
  return [
    {
      label: `${row.name}, beside its target`,
      times: good,
      text: `${shown(value)} ${unit}; ${row.target}`,
      colour,
    },
  ];
}

function times(value: number): string {
  return `${Number(value.toPrecision(value >= 100 ? 3 : 2))} ×`;
}
