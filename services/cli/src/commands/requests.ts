import { type Command, InvalidArgumentError, Option } from "commander";
import type { DataRequest } from "../api/answers.js";
import { part } from "../api/api.js";
import { CliError } from "../cli-error.js";
import { contextOf, examples, NAMESPACE, type Scope } from "../context.js";
import { table } from "../output/table.js";
import { clean, time } from "../output/text.js";
import type { World } from "../world.js";
import { expiry } from "./keys.js";
import { moment, positive } from "./values.js";

interface CreateOptions extends Scope {
  readonly device?: string;
  readonly sensor?: string;
  readonly current?: boolean;
  readonly start?: string;
  readonly end?: string;
  readonly near: Point[];
  readonly within?: number;
  readonly expires?: string;
  readonly note?: string;
}

interface Point {
  readonly latitude: number;
  readonly longitude: number;
}

const STATES = ["open", "fulfilled", "expired", "withdrawn"];

/** What devices are asked to send of what they recorded. */
export function addRequests(program: Command, world: World): void {
  const requests = program
    .command("requests")
    .description("What devices are asked to send of what they recorded; they hear of it with a heartbeat.")
    .addHelpText(
      "afterAll",
      examples(
        [
          "fieldlog requests create --device 1234567890123456 --start 10m",
          "the last ten minutes of a station",
        ],
        [
          "fieldlog requests create --near 34.1,-118.1 --within 20000 --start 2026-05-01T12:00:00Z --end 2026-05-01T12:05:00Z",
          "what stations recorded within 20 km",
        ],
        ["fieldlog requests list --state open", "what is still to come"],
        ["fieldlog readings list", "what has come"],
      ),
    );

  requests
    .command("create")
    .description("Asks for a stretch of time, or with --current for data from now on.")
    .option(...NAMESPACE)
    .option("--device <id>", "who is asked")
    .option("--sensor <id>", "which sensor; without, all")
    .option(
      "--near <latitude,longitude>",
      "who is near there is asked; may be given several times",
      addPoint,
      [],
    )
    .option("--within <metres>", "how near", positive)
    .option("--start <when>", "of the stretch: a time, or 10m, 2h, 1d ago", (text) =>
      moment(text, world.now()),
    )
    .option("--end <when>", "of the stretch; without, now", (text) => moment(text, world.now()))
    .option("--current", "data from now on instead")
    .option("--expires <when>", "30d, 12h, 45m, or a time; without, in a day", (text) =>
      expiry(text, world.now()),
    )
    .option("--note <text>", "what it is for, for people")
    .action(async (options: CreateOptions, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const made = await api.post<DataRequest>(pathOf(options.namespace), bodyOf(options, world.now()));
      print(
        made,
        () =>
          `${paint("green", "Asked")}: data request ${paint("bold", clean(made.id))} (number ${made.number}), until ${time(made.expires)}.\n` +
          "To see what comes: fieldlog readings list\n",
      );
    });

  requests
    .command("list")
    .description("The newest first.")
    .option(...NAMESPACE)
    .option("--limit <number>", "how many at most", positive, 100)
    .option("--device <id>", "only what this device alone was asked for")
    .addOption(new Option("--state <state>", "only those").choices(STATES))
    .action(async (options: Scope & { limit: number; device?: string; state?: string }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { namespace, limit, device, state } = options;
      const answer = await api.get<{ requests: DataRequest[] }>(pathOf(namespace), { limit, device, state });
      print(answer, () =>
        answer.requests.length === 0
          ? `There are no such data requests in namespace ${clean(namespace)}.\n`
          : table(COLUMNS, answer.requests.map(rowOf), paint),
      );
    });

  requests
    .command("withdraw")
    .argument("<id>", "the data request's id")
    .description("Nobody is asked any more. Withdrawing it twice is no error.")
    .option(...NAMESPACE)
    .action(async (id: string, { namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      await api.delete(`${pathOf(namespace)}/${part(id)}`);
      print({ id, withdrawn: true }, () => `${paint("green", "Withdrew")} data request ${clean(id)}.\n`);
    });
}

/** Raises CliError for what means nothing. */
function bodyOf({ near, within, namespace: _, start, end, ...rest }: CreateOptions, now: number): object {
  if (near.length > 0 && within === undefined) throw new CliError("--near needs --within, in metres");
  if (near.length === 0 && rest.device === undefined) {
    throw new CliError("nobody is asked", { hint: "Give --device, or --near and --within." });
  }
  if (!rest.current && start === undefined) {
    throw new CliError("nothing is asked for", { hint: "Give --start (and --end), or --current." });
  }
  return {
    ...rest,
    ...(start === undefined ? {} : { start, end: end ?? new Date(now).toISOString() }),
    ...(near.length === 0 ? {} : { points: near, withinM: within }),
  };
}

function addPoint(text: string, before: Point[]): Point[] {
  const [, latitude, longitude] = /^(-?\d{1,3}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)$/.exec(text) ?? [];
  const point = { latitude: Number(latitude), longitude: Number(longitude) };
  if (Math.abs(point.latitude) <= 90 && Math.abs(point.longitude) <= 180) return [...before, point];
  throw new InvalidArgumentError("It is two numbers in degrees, such as 34.1,-118.1.");
}

const COLUMNS = [
  { heading: "NUMBER", right: true } as const,
  ...["ID", "STATE", "WHO", "WHAT", "EXPIRES"],
  { heading: "UPLOADS", right: true } as const,
  "NOTE",
];

function rowOf(one: DataRequest): string[] {
  const { device, sensor, points, withinM, current, start, end } = one;
  const who = device ? `device ${clean(device, 40)}` : `within ${withinM} m of ${points.length} points`;
  const what = current ? "from now on" : `${time(start)} to ${time(end)}`;
  return [
    ...[String(one.number), clean(one.id), clean(one.state)],
    ...[sensor ? `${who}, sensor ${clean(sensor, 40)}` : who, what, time(one.expires)],
    ...[String(one.uploads), clean(one.note, 30)],
  ];
}

function pathOf(namespace: string): string {
  return `/v1/namespaces/${part(namespace)}/requests`;
}
