import { type ScaleContinuousNumeric, type ScaleTime, scaleLinear, scaleUtc } from "d3-scale";
import { area } from "d3-shape";
import { type Extent, envelopeOf } from "./envelope.js";
import { type About, type Axis, axesOf, durationOf, summaryOf, type Waveform } from "./waveform.js";
import { LAST_MS, timeText } from "./waveform-json.js";

/** In the units of the SVG's view box. */
const WIDTH = 960;
const PANEL = 150;
const GAP = 14;
const TOP = 46;
const LEFT = 76;
const RIGHT = 16;
const BOTTOM = 44;
/** Extents in a plot's width. */
const COLUMNS = 600;
/** Panels that are drawn. */
const MOST_PANELS = 12;
/** What lies further from zero is drawn there. */
const FURTHEST = 1e300;
/** The shortest axis of values, and the same as a share of its values: ticks closer together are not told apart. */
const SHORTEST = 1e-290;
const SHORTEST_SHARE = 1e-9;

type TimeScale = ScaleContinuousNumeric<number, number> | ScaleTime<number, number>;

/**
 * The waveform as a plot, an SVG document: a panel for each stream (the first twelve), over one axis of time, in UTC
 * where the start is known, else in seconds. Of many samples the extents are drawn, so that every peak is in it and
 * a long record makes no large document. `title` is any text.
 */
export function waveformSvg(waveform: Waveform, about: About, title: string): string {
  const streams = waveform.streams.slice(0, MOST_PANELS);
  const axes = axesOf(waveform, about.sensorType);
  const bottom = TOP + Math.max(1, streams.length) * (PANEL + GAP) - GAP;
  const time = timeScale(waveform, about.start);
  const panels = streams.map((samples, index) =>
    panel(samples, axes[index] as Axis, TOP + index * (PANEL + GAP)),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + BOTTOM}" width="${WIDTH}" height="${bottom + BOTTOM}" font-family="sans-serif" font-size="11" fill="#333">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(LEFT, 20, title, `font-size="14" font-weight="bold"`),
    text(LEFT, 36, subtitle(waveform, about), `fill="#666"`),
    ...panels,
    ...timeAxis(time, bottom, isKnown(about.start, durationOf(waveform))),
    "</svg>\n",
  ].join("\n");
}

function subtitle(waveform: Waveform, { sensorType, start }: About): string {
  const { spacingMs } = waveform;
  const rate = `${Number((1000 / spacingMs).toPrecision(4))} samples/s`;
  const parts = [sensorType, `${durationOf(waveform) / 1000} s`, rate];
  return [...parts, start === undefined ? "" : `from ${timeText(start)}`].filter(Boolean).join(", ");
}

function timeScale(waveform: Waveform, start: number | undefined): TimeScale {
  const range = [LEFT, WIDTH - RIGHT];
  const length = Math.max(waveform.spacingMs, durationOf(waveform));
  if (!isKnown(start, length))
    return scaleLinear()
      .domain([0, length / 1000])
      .range(range);
  return scaleUtc()
    .domain([start, start + length])
    .range(range);
}

/** Whether there is a calendar for all of it. */
function isKnown(start: number | undefined, length: number): start is number {
  return start !== undefined && start >= 0 && start + length <= LAST_MS;
}

/** Its frame, its axis of values with name and unit, and its trace. */
function panel(samples: Float64Array, axis: Axis, top: number): string {
  const { min, max } = summaryOf(samples);
  const value = valueScale(min ?? 0, max ?? 0, top);
  const ticks = value.ticks(4);
  const format = value.tickFormat(4);
  const label = axis.unit === "" ? axis.name : `${axis.name} (${axis.unit})`;
  const middle = top + PANEL / 2;
  return [
    `<g data-stream="${escaped(axis.name)}">`,
    ...ticks.map((tick) => {
      const y = round(value(tick));
      const line = `<path d="M${LEFT},${y}H${WIDTH - RIGHT}" stroke="#e5e5e5"/>`;
      return line + text(LEFT - 6, y + 4, format(tick), `text-anchor="end"`);
    }),
    `<rect x="${LEFT}" y="${top}" width="${WIDTH - LEFT - RIGHT}" height="${PANEL}" fill="none" stroke="#999"/>`,
    text(14, middle, label, `text-anchor="middle" transform="rotate(-90 14 ${middle})" font-weight="bold"`),
    `<path d="${trace(samples, value)}" fill="#1f5fa8" stroke="#1f5fa8" stroke-width="0.7" stroke-linejoin="round"/>`,
    "</g>",
  ].join("\n");
}

function valueScale(min: number, max: number, top: number): ScaleContinuousNumeric<number, number> {
  const [low, high] = [drawnAt(min), drawnAt(max)];
  // Samples that are all the same make a line in the middle.
  const shortest = Math.max(SHORTEST, SHORTEST_SHARE * Math.max(Math.abs(low), Math.abs(high)));
  const around = high - low >= shortest ? 0 : low === high && low === 0 ? 1 : shortest;
  const domain = [low - around, high + around];
  return scaleLinear()
    .domain(domain)
    .range([top + PANEL, top])
    .clamp(true)
    .nice(4);
}

const drawnAt = (value: number) => Math.max(-FURTHEST, Math.min(FURTHEST, value));

function trace(samples: Float64Array, value: ScaleContinuousNumeric<number, number>): string {
  const extents = envelopeOf(samples, COLUMNS);
  const step = (WIDTH - LEFT - RIGHT) / Math.max(1, extents.length);
  const shape = area<Extent>()
    .digits(1)
    .defined(({ min }) => Number.isFinite(min))
    .x((_, index) => LEFT + (index + 0.5) * step)
    .y0(({ min }) => value(min))
    .y1(({ max }) => value(max));
  return shape(extents) ?? "";
}

function timeAxis(time: TimeScale, bottom: number, utc: boolean): string[] {
  const format = utc ? clock(time.ticks(8).map(Number)) : String;
  const ticks = time.ticks(8).map((tick) => {
    const x = round(time(tick));
    const mark = `<path d="M${x},${bottom}v5" stroke="#999"/>`;
    return mark + text(x, bottom + 17, format(tick), `text-anchor="middle"`);
  });
  const label = utc ? "time (UTC)" : "time (s)";
  return [...ticks, text((LEFT + WIDTH - RIGHT) / 2, bottom + 36, label, `text-anchor="middle"`)];
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(content)}</text>`;
}

/** As fine as the ticks (ms since 1970 UTC) are apart. */
function clock([first = 0, second = first]: readonly number[]): (tick: number | Date) => string {
  const apart = second - first;
  const [from, to] = apart >= 86_400_000 ? [0, 10] : [11, apart >= 60_000 ? 16 : apart >= 1_000 ? 19 : 23];
  return (tick) => timeText(Number(tick)).slice(from, to);
}

const round = (at: number) => Math.round(at * 10) / 10;

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Any text as XML: controls, and what XML 1.0 cannot hold, are shown as U+FFFD. */
function escaped(content: string): string {
  return content
    .toWellFormed()
    .replace(/[\p{Cc}\ufffe\uffff]/gu, "\ufffd")
    .replace(/[&<>"]/g, (character) => entities[character] ?? "");
}
