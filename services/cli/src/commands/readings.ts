import { type Command, Option } from "commander";
import type { Reading } from "../api/answers.js";
import { part } from "../api/api.js";
import { contextOf, examples, NAMESPACE, type Scope } from "../context.js";
import { saveAnswer, savedText } from "../output/save-answer.js";
import { fields, right, table } from "../output/table.js";
import { clean, count, type Paint, time } from "../output/text.js";
import type { World } from "../world.js";
import { moment, positive } from "./values.js";

interface ListOptions extends Scope {
  readonly limit: number;
  readonly device?: string;
  readonly sensor?: string;
  readonly state?: string;
  readonly from?: string;
  readonly to?: string;
}

interface DownloadOptions extends Scope {
  readonly format: "data" | "json" | "csv" | "svg";
  readonly output?: string;
  readonly force?: boolean;
}

const STATES = ["offered", "started", "stored", "failed", "removed"];

/** What devices have uploaded. */
export function addReadings(program: Command, world: World): void {
  const readings = program
    .command("readings")
    .description("What devices have uploaded of what they recorded.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog readings list --device 1234567890123456", "of one station, the newest first"],
        ["fieldlog readings show 4711", "one, with what is least and greatest in it"],
        ["fieldlog readings download 4711", "its bytes, under the name that its device gave"],
        ["fieldlog readings download 4711 --format svg --output quake.svg", "a plot of it"],
      ),
    );

  readings
    .command("list")
    .description("The newest first.")
    .option(...NAMESPACE)
    .option("--limit <number>", "how many at most", positive, 100)
    .option("--device <id>", "only of this device")
    .option("--sensor <id>", "only of this sensor")
    .option("--from <when>", "only what was recorded after: a time, or 2h ago", (text) =>
      moment(text, world.now()),
    )
    .option("--to <when>", "only what was recorded before", (text) => moment(text, world.now()))
    .addOption(new Option("--state <state>", "those that are so; without, stored").choices(STATES))
    .action(async ({ namespace, ...query }: ListOptions, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await api.get<{ readings: Reading[] }>(pathOf(namespace), { ...query });
      print(answer, () =>
        answer.readings.length === 0
          ? `There are no such readings in namespace ${clean(namespace)}.\n`
          : table(COLUMNS, answer.readings.map(rowOf), paint),
      );
    });

  readings
    .command("show")
    .argument("<number>", "the reading's number", positive)
    .description("One reading: where it comes from, and what is in it.")
    .option(...NAMESPACE)
    .action(async (number: number, { namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const reading = await api.get<Reading>(`${pathOf(namespace)}/${number}`, { samples: "false" });
      print(reading, () => readingText(reading, paint));
    });

  readings
    .command("download")
    .argument("<number>", "the reading's number", positive)
    .description("Saves a reading: its bytes, or what is in it as JSON, CSV or a plot.")
    .option(...NAMESPACE)
    .addOption(
      new Option("--format <format>", "what to save").choices(["data", "json", "csv", "svg"]).default("data"),
    )
    .option("--output <file>", "where to; without, in this folder under the name that the server gives")
    .option("--force", "replace a file that is there")
    .action((number: number, options: DownloadOptions, command: Command) =>
      download(number, options, command, world),
    );
}

async function download(
  number: number,
  { namespace, format, output, force = false }: DownloadOptions,
  command: Command,
  world: World,
): Promise<void> {
  const { api, print, paint } = contextOf(command, world);
  const path = `${pathOf(namespace)}/${number}${format === "data" ? "/data" : `?format=${format}`}`;
  const otherwise = `reading-${number}.${format === "data" ? "bin" : format}`;
  const saved = await saveAnswer(world, await api.open(path), { output, otherwise, force });
  print(saved, () => savedText(saved, paint));
}

const COLUMNS = [
  { heading: "NUMBER", right: true } as const,
  ...["DEVICE", "SENSOR", "FROM", "TO", "FORMAT"],
  { heading: "BYTES", right: true } as const,
  ...["STATE", "STORED"],
];

function rowOf(one: Reading): string[] {
  return [
    ...[String(one.number), clean(one.device, 40), clean(one.sensor, 40), time(one.start), time(one.end)],
    ...[clean(one.format, 40), count(one.bytes), clean(one.state), time(one.storedAt)],
  ];
}

function readingText(one: Reading, paint: Paint): string {
  const text = fields(
    [
      ["number", String(one.number)],
      ["state", clean(one.state)],
      ["device", clean(one.device)],
      ["sensor", [clean(one.sensor), clean(one.sensorType)].filter(Boolean).join(", ")],
      ["recorded", [time(one.start), time(one.end)].filter(Boolean).join(" to ")],
      ["asked for by", one.request === null ? "" : `data request number ${one.request}`],
      ["format", clean(one.format)],
      ["file", clean(one.fileName)],
      ["bytes", count(one.bytes)],
      ["SHA-256", clean(one.sha256)],
      ["offered", time(one.offeredAt)],
      ["stored", time(one.storedAt)],
    ],
    paint,
  );
  if (!one.waveform) return text;
  const rows = one.waveform.streams.map(({ name, unit, count: samples, min, max, mean }) => [
    clean(unit ? `${name} (${unit})` : name),
    count(samples),
    ...[min, max, mean].map((value) => (value === null ? "" : String(Number(value.toPrecision(6))))),
  ]);
  const columns = ["STREAM", right("SAMPLES"), right("LEAST"), right("GREATEST"), right("MEAN")];
  return `${text}\n${table(columns, rows, paint)}`;
}

function pathOf(namespace: string): string {
  return `/v1/namespaces/${part(namespace)}/readings`;
}
