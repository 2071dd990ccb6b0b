import {
  curves,
  IDLE_MQTT_SESSION,
  INTO_TABLES,
  MQTT_MEASUREMENTS,
  SIGNED_EVENT,
  WHOLE_PATH_BUSY,
  WHOLE_PATH_RATE,
} from "../frame/names.js";
import { type Report, shown, wordsOf } from "../frame/report.js";
import { Figures } from "./figures.js";
import { markdownTable } from "./markdown.js";

const DEVICES = [100, 10_000, 100_000, 1_000_000];
const RATES = [100, 1_000, 5_000, 20_000];
/** Seconds from one event of a device to its next. */
const EVERY_S = 60;
const DAY_S = 86_400;
/** Benchmarks whose kept runs the page is worked out from. */
export const CAPACITY_FROM = ["scale", "mqtt", "ingest", "projection"] as const;

/** The capacity page: what growth needs, what bends first, and what to do then; from kept runs, no figure else. */
export function capacityPage(reports: readonly Report[]): string {
  const of = CAPACITY_FROM.flatMap((name) => reports.find(({ benchmark }) => benchmark === name) ?? []);
  const figures = new Figures(of);
  const missing = CAPACITY_FROM.filter((name) => !of.some(({ benchmark }) => benchmark === name));
  return [
    "# Capacity",
    "What Fieldlog needs as it grows, what bends first, and what to do then. Worked out from the kept runs of the " +
      "[benchmarks](README.md) by `npm run bench -- pages`, which every `--keep` runs as well; a cell without a figure " +
      "was not measured.",
    ...(missing.length === 0 ? [] : [missingSentence(missing)]),
    ...(of.length === 0 ? [] : [runs(of), ...tables(figures)]),
    "## What bends first, and what to do then",
    REMEDIES,
    ...(figures.machine === undefined ? [] : ["## The curves", "![what it costs to grow](charts/scale.svg)"]),
    "",
  ]
    .join("\n\n")
    .replace(/\n+$/, "\n");
}

function missingSentence(missing: readonly string[]): string {
  const commands = missing.map((name) => `\`npm run bench -- ${name} --keep\``).join(", ");
  return `**No run is kept of ${missing.join(", ")}**, so figures are missing here: ${commands}.`;
}

function runs(reports: readonly Report[]): string {
  const rows = reports.map(({ benchmark, date, commit, machine }) => [
    ...[benchmark, date.slice(0, 10), commit, wordsOf(machine)],
  ]);
  return markdownTable(["from", "date", "commit", "machine; everything shares it, the load too"], rows);
}

function tables(figures: Figures): string[] {
  return [
    "## By devices",
    `Each on an MQTT connection of its own, with a measurement of three values every ${EVERY_S} s. Processors: those that doors, log, ` +
      `read models and Postgres keep busy, from the whole path at ${WHOLE_PATH_RATE.toLocaleString("en")} messages/s, in proportion. ` +
      "Memory: of the doors over that of idle processes, and of `liveness`, measured with as many devices.",
    byDevices(figures),
    "## By events a second",
    byRate(figures),
    "## By subscriptions",
    "Of a mixed population; to find whom one event is for, on one processor.",
    bySubscriptions(figures),
    "## By length of the log",
    "A rebuild reads the whole log, while the old tables are read.",
    byLength(figures),
  ];
}

function byDevices(figures: Figures): string {
  const header = [
    "devices",
    "events/s",
    "processors",
    "doors",
    "liveness",
    "disk a day",
    "bends first",
    "then",
  ];
  return markdownTable(
    header,
    DEVICES.map((devices) => {
      const perSecond = devices / EVERY_S;
      const doors = times(figures.of("mqtt", IDLE_MQTT_SESSION), devices * 1_024);
      const liveness = times(figures.at(curves.livenessMemory, devices), 2 ** 20);
      const [bends, then] = bendsFirst(figures, perSecond, (doors ?? 0) + (liveness ?? 0));
      return [
        devices.toLocaleString("en"),
        shown(perSecond),
        number(processorsAt(figures, perSecond)),
        bytes(doors),
        bytes(liveness),
        bytes(diskADay(figures, perSecond)),
        bends,
        then,
      ];
    }),
  );
}

function byRate(figures: Figures): string {
  const header = ["events/s", "processors", "of what one MQTT door takes", "of what one HTTP door takes"];
  return markdownTable(
    [...header, "of what a read model writes", "disk a day"],
    RATES.map((rate) => [
      rate.toLocaleString("en"),
      number(processorsAt(figures, rate)),
      share(rate, figures.of("mqtt", MQTT_MEASUREMENTS)),
      share(rate, figures.of("ingest", SIGNED_EVENT)),
      share(rate, figures.of("projection", `measurements${INTO_TABLES}`)),
      bytes(diskADay(figures, rate)),
    ]),
  );
}

function bySubscriptions(figures: Figures): string {
  return markdownTable(
    ["subscriptions", "an event, p50", "p99", "memory of the filters"],
    figures
      .curve(curves.matchedP50)
      .map(({ x, value }) => [
        x.toLocaleString("en"),
        `${shown(value)} µs`,
        `${number(figures.at(curves.matchedP99, x))} µs`,
        bytes(times(figures.at(curves.subscriptionMemory, x), x * 1_024)),
      ]),
  );
}

function byLength(figures: Figures): string {
  const rate = figures.last(curves.rebuilt) ?? figures.of("projection", `events${INTO_TABLES}`);
  return markdownTable(
    ["events", "log", "tables", "restart", "the newest page, p99", "a page somewhere, p99", "rebuild"],
    figures
      .curve(curves.restart)
      .map(({ x, value }) => [
        x.toLocaleString("en"),
        bytes(times(figures.at(curves.logBytes, x), x)),
        bytes(times(figures.at(curves.tableBytes, x), x)),
        `${shown(value)} s`,
        `${number(figures.at(curves.newestPage, x))} ms`,
        `${number(figures.at(curves.anyPage, x))} ms`,
        rate === undefined ? "" : duration(x / rate),
      ]),
  );
}

/** Of what one machine such as the measured one has, the part that is used up first; and what helps. */
function bendsFirst(figures: Figures, perSecond: number, memory: number): readonly [string, string] {
  const { machine } = figures;
  const parts: readonly (readonly [what: string, used: number, of: number | undefined, then: string])[] = [
    [
      ...(["processors", processorsAt(figures, perSecond) ?? 0, machine?.cores] as const),
      "services on machines of their own, then replicas of the doors",
    ],
    [
      ...(["memory", memory, machine && machine.memoryGiB * 2 ** 30] as const),
      "replicas of the doors on other machines",
    ],
    [
      ...(["an MQTT door", perSecond, figures.of("mqtt", MQTT_MEASUREMENTS)] as const),
      "another replica of `edge-mqtt`",
    ],
    [
      ...([
        "the writer of `readings`",
        perSecond,
        figures.of("projection", `measurements${INTO_TABLES}`),
      ] as const),
      "a further shard for new namespaces",
    ],
  ];
  const used = parts.flatMap(([what, part, of, then]) => (of ? [{ what, share: part / of, then }] : []));
  const most = used.reduce<(typeof used)[number] | undefined>(
    (first, each) => (first === undefined || each.share > first.share ? each : first),
    undefined,
  );
  if (most === undefined) return ["", ""];
  const beyond = most.share > 1 ? ", more than one such machine has" : "";
  return [`${most.what}, ${percent(most.share)}${beyond}`, most.share > 0.5 ? most.then : "nothing yet"];
}

function processorsAt(figures: Figures, perSecond: number): number | undefined {
  return times(figures.sum("mqtt", WHOLE_PATH_BUSY), perSecond / WHOLE_PATH_RATE);
}

function diskADay(figures: Figures, perSecond: number): number | undefined {
  const [log, tables] = [figures.last(curves.logBytes), figures.last(curves.tableBytes)];
  return log === undefined || tables === undefined ? undefined : (log + tables) * perSecond * DAY_S;
}

function times(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}

const number = (value: number | undefined) => (value === undefined ? "" : shown(value));
const percent = (part: number) => `${shown(part * 100)} %`;
const share = (part: number, of: number | undefined) => (of ? percent(part / of) : "");

function bytes(value: number | undefined): string {
  if (value === undefined) return "";
  if (value >= 2 ** 40) return `${shown(value / 2 ** 40)} TiB`;
  return value >= 2 ** 30 ? `${shown(value / 2 ** 30)} GiB` : `${shown(value / 2 ** 20)} MiB`;
}

function duration(seconds: number): string {
  if (seconds >= 3_600) return `${shown(seconds / 3_600)} h`;
  return seconds >= 60 ? `${shown(seconds / 60)} min` : `${shown(seconds)} s`;
}

const REMEDIES = markdownTable(
  ["what bends", "how it shows", "what to do"],
  [
    [
      "a door: its processor, or its connections",
      "its event loop lags; answers take longer while the log's commits do not",
      "another replica behind the same address: doors share nothing but the log",
    ],
    [
      "the log: the disk's flush",
      "commits take longer and hold more signals each; then 503, or no PUBACK",
      "a disk that flushes sooner; `FIELDLOG_SHARDS` for new namespaces, on another disk of the same cluster; then another installation ([how](../README.md#adding-a-shard))",
    ],
    [
      "a read model's writer: one process writes it at a time",
      "its lag grows while Postgres has processor left",
      "a faster processor; then `FIELDLOG_SHARDS`: each shard has writers of its own, for new namespaces",
    ],
    [
      "Postgres: processor, or disk",
      "its lag grows with Postgres busy; pages take longer",
      "Postgres on a machine of its own; retention of measurements and log entries, per namespace",
    ],
    [
      "`liveness`: memory, one process holds all devices",
      "its resident memory; at 4,000,000 devices it turns away what is new",
      "more memory; replicas stand by, they do not share it",
    ],
    [
      "subscriptions: matching and sending",
      "the loop of `edge-websocket` lags; subscribers fall behind, and read on from the log",
      "another replica: each matches only for its own subscribers",
    ],
    [
      "the log's length: rebuilds take longer, pages and restarts do not",
      "`read-models status` while one is built",
      "plan rebuilds; the tables that are read stay in use until the new ones have caught up",
    ],
  ],
);
