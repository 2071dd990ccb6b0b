import { type Command, InvalidArgumentError, Option } from "commander";
import type { Sample, SampleLabel } from "../api/answers.js";
import { part } from "../api/api.js";
import { CliError } from "../cli-error.js";
import { contextOf, examples, NAMESPACE, type Scope } from "../context.js";
import { saveAnswer, savedText } from "../output/save-answer.js";
import { fields, right, table } from "../output/table.js";
import { clean, count, type Paint, time } from "../output/text.js";
import type { World } from "../world.js";
import { positive } from "./values.js";

interface Filters {
  readonly category?: string;
  readonly label?: string;
  readonly device?: string;
  readonly sensor?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

interface SaveTo {
  readonly output?: string;
  readonly force?: boolean;
}

interface Change {
  readonly label?: string;
  readonly category?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly enable?: boolean;
  readonly disable?: boolean;
}

const CATEGORIES = ["training", "testing", "anomaly", "validation", "post-processing", "inference"];

/** What was stored of what devices sampled. */
export function addSamples(program: Command, world: World): void {
  const samples = program
    .command("samples")
    .description("Files of training data that devices sampled, or people uploaded.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog samples labels", "how much there is of each label"],
        ["fieldlog samples list --label wave --metadata site=cellar", "some of them"],
        ["fieldlog samples download 4711 --format csv", "the values of one"],
        ["fieldlog samples change 4711 --label idle --category testing", "relabels and moves one"],
        ["fieldlog samples export --category training --format parquet", "all values in one table"],
      ),
    );
  addReading(samples, world);
  addSaving(samples, world);
  addChanging(samples, world);
}

function addReading(samples: Command, world: World): void {
  filtered(samples.command("list"))
    .description("In the order in which they were stored.")
    .option("--limit <number>", "how many at most", positive, 100)
    .option("--after <number>", "only those with a greater number", positive)
    .action(async (options: Scope & Filters & { limit: number; after?: number }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { namespace, limit, after } = options;
      const query = { ...queryOf(options), limit, after };
      const answer = await api.get<{ samples: Sample[] }>(pathOf(namespace), query);
      print(answer, () =>
        answer.samples.length === 0
          ? `There are no such samples in namespace ${clean(namespace)}.\n`
          : table(COLUMNS, answer.samples.map(rowOf), paint),
      );
    });

  filtered(samples.command("labels"))
    .description("How many there are by category and label.")
    .action(async (options: Scope & Filters, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const path = `${pathOf(options.namespace)}/labels`;
      const answer = await api.get<{ labels: SampleLabel[] }>(path, queryOf(options));
      print(answer, () => table(LABEL_COLUMNS, answer.labels.map(labelRowOf), paint));
    });

  samples
    .command("show")
    .argument("<number>", "the sample's number", positive)
    .description("What is known of a sample.")
    .option(...NAMESPACE)
    .action(async (number: number, { namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const sample = await api.get<Sample>(`${pathOf(namespace)}/${number}`);
      print(sample, () => sampleText(sample, paint));
    });
}

function addSaving(samples: Command, world: World): void {
  saving(samples.command("download"))
    .argument("<number>", "the sample's number", positive)
    .description("Saves a sample: its bytes, or its values.")
    .option(...NAMESPACE)
    .addOption(
      new Option("--format <format>", "what to save").choices(["data", "json", "csv"]).default("data"),
    )
    .action(async (number: number, options: Scope & SaveTo & { format: string }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { namespace, format, output, force = false } = options;
      const what = format === "data" ? "data" : `values?format=${format}`;
      const response = await api.open(`${pathOf(namespace)}/${number}/${what}`);
      const otherwise = `sample-${number}.${format === "data" ? "bin" : format}`;
      const saved = await saveAnswer(world, response, { output, otherwise, force });
      print(saved, () => savedText(saved, paint));
    });

  saving(filtered(samples.command("export")))
    .description("Saves all of them: their files in a ZIP, or their values in one table.")
    .addOption(new Option("--format <format>", "as what").choices(["zip", "csv", "parquet"]).default("zip"))
    .action(async (options: Scope & Filters & SaveTo & { format: string }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { namespace, format, output, force = false } = options;
      const search = new URLSearchParams({ format });
      for (const [name, value] of Object.entries(queryOf(options))) {
        if (value !== undefined) search.set(name, value);
      }
      const response = await api.open(`${pathOf(namespace)}/export?${search}`);
      const saved = await saveAnswer(world, response, { output, otherwise: `samples.${format}`, force });
      print(saved, () => savedText(saved, paint));
    });
}

function addChanging(samples: Command, world: World): void {
  samples
    .command("change")
    .argument("<number>", "the sample's number", positive)
    .description("Labels a sample, moves it, or changes what else is known of it.")
    .option(...NAMESPACE)
    .option("--label <text>", "what it is; empty: nothing that is known")
    .addOption(new Option("--category <category>", "where it belongs").choices(CATEGORIES))
    .option(
      "--metadata <key=value>",
      "said of it, may be given several times; without a value: no more",
      pair,
    )
    .option("--enable", "it counts again")
    .addOption(new Option("--disable", "it stays, and does not count").conflicts("enable"))
    .action(async (number: number, { namespace, ...change }: Scope & Change, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const sample = await api.patch<Sample>(`${pathOf(namespace)}/${number}`, changeOf(change));
      print(sample, () => sampleText(sample, paint));
    });

  samples
    .command("remove")
    .argument("<number>", "the sample's number", positive)
    .description("Removes a sample, and its bytes, for good.")
    .option(...NAMESPACE)
    .action(async (number: number, { namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      await api.delete(`${pathOf(namespace)}/${number}`);
      print({ number, removed: true }, () => `${paint("green", "Removed")} sample ${number}.\n`);
    });
}

function filtered(command: Command): Command {
  return command
    .option(...NAMESPACE)
    .addOption(new Option("--category <category>", "only of this one").choices(CATEGORIES))
    .option("--label <text>", "only of this label; empty: unlabelled ones")
    .option("--device <id>", "only of this device")
    .option("--sensor <name>", "only of this sensor")
    .option("--metadata <key=value>", "only those of which this is said; may be given several times", pair);
}

function saving(command: Command): Command {
  return command
    .option("--output <file>", "where to; without, in this folder under the name that the server gives")
    .option("--force", "replace a file that is there");
}

function pair(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It is of the form key=value.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

function queryOf({ category, label, device, sensor, metadata = {} }: Filters) {
  const said = Object.entries(metadata).map(([key, value]) => [`metadata.${key}`, value] as const);
  return { category, label, device, sensor, ...Object.fromEntries(said) };
}

/** Raises CliError: nothing is to be otherwise. */
function changeOf({ label, category, metadata, enable, disable }: Change): object {
  const said = Object.entries(metadata ?? {}).map(([key, value]) => [key, value === "" ? null : value]);
  const change = {
    ...(label === undefined ? {} : { label: label === "" ? null : label }),
    ...(category === undefined ? {} : { category }),
    ...(enable || disable ? { enabled: enable === true } : {}),
    ...(metadata === undefined ? {} : { metadata: Object.fromEntries(said) }),
  };
  if (Object.keys(change).length > 0) return change;
  throw new CliError("nothing is to be changed", { hint: "Give --label, --category or --metadata." });
}

const COLUMNS = [
  right("NUMBER"),
  ...["CATEGORY", "LABEL", "FILE", "DEVICE", "SENSOR", "SIGNATURE"],
  ...[right("MS"), right("BYTES")],
  "STORED",
];
const LABEL_COLUMNS = ["CATEGORY", "LABEL", right("SAMPLES"), right("SECONDS"), right("BYTES")];
const UNLABELLED = "-";

function rowOf(one: Sample): string[] {
  return [
    ...[String(one.number), clean(one.category), one.label === null ? UNLABELLED : clean(one.label, 30)],
    ...[clean(one.fileName, 40), clean(one.device, 40), clean(one.sensor, 30), clean(one.signature)],
    ...[one.lengthMs === null ? "" : String(Math.round(one.lengthMs)), count(one.bytes), time(one.storedAt)],
  ];
}

function labelRowOf({ category, label, samples, bytes, lengthMs }: SampleLabel): string[] {
  const name = label === null ? UNLABELLED : clean(label, 40);
  return [clean(category), name, count(samples), (lengthMs / 1_000).toFixed(1), count(bytes)];
}

function sampleText(one: Sample, paint: Paint): string {
  const metadata = Object.entries(one.metadata).map(([key, value]) => `${clean(key)}=${clean(value)}`);
  const axes = one.axes.map(({ name, units }) => clean(units ? `${name} (${units})` : name));
  return fields(
    [
      ["number", String(one.number)],
      ["category", clean(one.category)],
      ["label", one.label === null ? UNLABELLED : clean(one.label)],
      ["file", clean(one.fileName)],
      ["counts", one.enabled ? "yes" : "no"],
      ["device", [clean(one.device), clean(one.deviceType)].filter(Boolean).join(", ")],
      ["sensor", clean(one.sensor)],
      ["asked for by", clean(one.sampling)],
      ["signature", clean(one.signature)],
      ["axes", axes.join(", ")],
      ["values", one.values === 0 ? "" : count(one.values)],
      ["interval", one.intervalMs === null ? "" : `${one.intervalMs} ms`],
      ["length", one.lengthMs === null ? "" : `${one.lengthMs} ms`],
      ["metadata", metadata.join(", ")],
      ["media type", clean(one.mediaType)],
      ["bytes", count(one.bytes)],
      ["SHA-256", clean(one.sha256)],
      ["stored", time(one.storedAt)],
    ],
    paint,
  );
}

function pathOf(namespace: string): string {
  return `/v1/namespaces/${part(namespace)}/samples`;
}
