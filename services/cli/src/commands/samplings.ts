import { type Command, InvalidArgumentError, Option } from "commander";
import type { Sampling } from "../api/answers.js";
import { type Api, part } from "../api/api.js";
import { CliError } from "../cli-error.js";
import { contextOf, examples, NAMESPACE, type Scope } from "../context.js";
import { Progress } from "../output/progress.js";
import { table } from "../output/table.js";
import { clean, type Paint, time } from "../output/text.js";
import type { World } from "../world.js";
import { positive } from "./values.js";

interface RequestOptions extends Scope {
  readonly label: string;
  readonly length: number;
  readonly interval?: number;
  readonly frequency?: number;
  readonly sensor?: string;
  readonly category: string;
  readonly wait?: boolean;
}

const CATEGORIES = ["training", "testing", "anomaly", "split", "validation", "post-processing"];
const UNDER_WAY = ["queued", "sent", "accepted", "started", "processing", "reading", "uploading", "finished"];
const ENDED = ["arrived", "refused", "failed", "timed-out", "cancelled"];
const POLL_MS = 400;

/** What devices are asked to sample. */
export function addSamplings(program: Command, world: World): void {
  const samplings = program
    .command("samplings")
    .description("What devices are asked to sample now, step by step.")
    .addHelpText(
      "afterAll",
      examples(
        [
          "fieldlog samplings request 15:FE:90:11:1D:18 --label wave --length 10s --frequency 100 --sensor Accelerometer",
          "ten seconds of a board's accelerometer",
        ],
        [
          "fieldlog samplings request board --label wave --length 2s --interval 10 --wait",
          "the same of its only sensor, until it has arrived",
        ],
        ["fieldlog samplings list --state queued", "what waits for its device"],
      ),
    );

  samplings
    .command("request")
    .argument("<device>", "the device's id")
    .description("Asks a device to sample: at once, or when it is there and free.")
    .option(...NAMESPACE)
    .requiredOption("--label <text>", "what is sampled")
    .requiredOption("--length <span>", "how long: 500ms, 10s, 5m", span)
    .option("--interval <ms>", "between two values, in milliseconds", number)
    .addOption(new Option("--frequency <Hz>", "instead of it").argParser(number).conflicts("interval"))
    .option("--sensor <name>", "as the device names it; without, its only one")
    .addOption(
      new Option("--category <category>", "where it is stored").choices(CATEGORIES).default("training"),
    )
    .option("--wait", "until it has ended")
    .action(async (device: string, options: RequestOptions, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const path = `${pathOf(options.namespace)}/devices/${part(device)}/samples`;
      const made = await api.post<Sampling>(path, bodyOf(options));
      const now = options.wait ? await untilEnded(api, `${path}/${part(made.id)}`, made, world) : made;
      if (options.wait && now.state !== "arrived") {
        throw new CliError(`the sampling has ended: ${clean(now.state)}`, {
          ...(now.error ? { hint: clean(now.error) } : {}),
        });
      }
      print(now, () => requestedText(now, paint));
    });

  samplings
    .command("list")
    .description("The newest first.")
    .option(...NAMESPACE)
    .option("--limit <number>", "how many at most", positive, 100)
    .option("--device <id>", "only of this device")
    .addOption(new Option("--state <state>", "only those").choices(["running", ...UNDER_WAY, ...ENDED]))
    .action(async (options: Scope & { limit: number; device?: string; state?: string }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { namespace, limit, device, state } = options;
      const query = { limit, device, state };
      const answer = await api.get<{ samplings: Sampling[] }>(`${pathOf(namespace)}/samplings`, query);
      print(answer, () =>
        answer.samplings.length === 0
          ? `There are no such samplings in namespace ${clean(namespace)}.\n`
          : table(COLUMNS, answer.samplings.map(rowOf), paint),
      );
    });

  samplings
    .command("cancel")
    .argument("<device>", "the device's id")
    .argument("<id>", "the sampling's id")
    .description("Cancels one. What a device samples already is stored all the same.")
    .option(...NAMESPACE)
    .action(async (device: string, id: string, { namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      await api.delete(`${pathOf(namespace)}/devices/${part(device)}/samples/${part(id)}`);
      print({ id, cancelled: true }, () => `${paint("green", "Cancelled")} sampling ${clean(id)}.\n`);
    });
}

/** Raises CliError without a rate. */
function bodyOf({ label, length, interval, frequency, sensor, category }: RequestOptions): object {
  const intervalMs = interval ?? (frequency === undefined ? undefined : 1_000 / frequency);
  if (intervalMs === undefined) {
    throw new CliError("how often is not said", { hint: "Give --interval, in ms, or --frequency, in Hz." });
  }
  return { label, lengthMs: length, intervalMs, category, ...(sensor === undefined ? {} : { sensor }) };
}

/** Shows how far it is. */
async function untilEnded(api: Api, path: string, made: Sampling, world: World): Promise<Sampling> {
  const progress = new Progress(world, clean(made.label, 40), "%");
  try {
    for (let one = made; ; one = await api.get<Sampling>(path)) {
      if (one.endedAt) return one;
      progress.show(percentOf(one), 100);
      await world.sleep(POLL_MS);
    }
  } finally {
    progress.end();
  }
}

/** As the device says, or by how many of its steps are behind it. */
function percentOf({ state, percent }: Sampling): number {
  if (state === "reading" && percent !== null) return Math.floor(percent);
  return Math.floor((100 * UNDER_WAY.indexOf(state)) / UNDER_WAY.length);
}

function requestedText(one: Sampling, paint: Paint): string {
  const named = `sampling ${paint("bold", clean(one.id))} of device ${clean(one.device, 60)}`;
  if (one.state === "arrived") return `${paint("green", "Arrived")}: ${named} is sample ${one.sample}.\n`;
  const how = one.place === null ? "It was sent to the device." : `It waits, at place ${one.place}.`;
  return `${paint("green", "Asked")}: ${named}. ${how}\nTo see how far it is: fieldlog samplings list\n`;
}

const COLUMNS = [
  ...["ID", "DEVICE", "SENSOR", "LABEL", "CATEGORY", "STATE", "CHANGED"],
  { heading: "SAMPLE", right: true } as const,
];

function rowOf(one: Sampling): string[] {
  const more = one.error ?? (one.place === null ? "" : `place ${one.place}`);
  const percent = one.state === "reading" && one.percent !== null ? ` ${Math.floor(one.percent)}%` : "";
  const state = `${clean(one.state)}${percent}${more === "" ? "" : `: ${clean(more, 40)}`}`;
  return [
    ...[clean(one.id), clean(one.device, 40), clean(one.sensor, 30), clean(one.label, 30)],
    ...[clean(one.category), state, time(one.changedAt), one.sample === null ? "" : String(one.sample)],
  ];
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function span(text: string): number {
  const [, amount, unit] = /^(\d{1,7}(?:\.\d{1,6})?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Math.round(Number(amount) * (UNITS[unit ?? ""] ?? Number.NaN));
  if (ms >= 1) return ms;
  throw new InvalidArgumentError("It is a span such as 500ms, 10s or 5m.");
}

function number(text: string): number {
  const value = /^\d{1,9}(?:\.\d{1,9})?$/.test(text) ? Number(text) : 0;
  if (value > 0) return value;
  throw new InvalidArgumentError("It is a number above 0.");
}

function pathOf(namespace: string): string {
  return `/v1/namespaces/${part(namespace)}`;
}
