import { type Command, InvalidArgumentError } from "commander";
import type { Namespace, Retention } from "../api/answers.js";
import { part } from "../api/api.js";
import { contextOf, examples } from "../context.js";
import { fields, table } from "../output/table.js";
import { clean, count, time } from "../output/text.js";
import type { World } from "../world.js";
import { addClear } from "./clearing.js";
import { addSettings } from "./settings.js";

export function addNamespaces(program: Command, world: World): void {
  const namespaces = program
    .command("namespaces")
    .description("Tenants: the data of each are apart from every other's.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog namespaces list", "which there are; `default` and `test` from the beginning"],
        ["fieldlog namespaces create roof-sensors", "a new one"],
        ["fieldlog namespaces create csn --open-to-csn", "one for CSN, whose clients register by themselves"],
        [
          "fieldlog namespaces create wide --shard 1",
          "where signals are spread over several streams, in the second",
        ],
        ["fieldlog namespaces retention roof-sensors", "how long tables keep what its devices reported"],
        ["fieldlog namespaces retention roof-sensors --logs 14 --measurements forever", "another span"],
        ["fieldlog namespaces settings roof-sensors --inactive-after-s 300", "when devices count as active"],
        ["fieldlog namespaces disable roof-sensors --reason 'not paid'", "refuses what its devices send"],
        ["fieldlog namespaces clear test", "all its devices and what they reported, for ever"],
      ),
    );

  namespaces
    .command("list")
    .description("All namespaces.")
    .action(async (_options, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await api.get<{ namespaces: Namespace[] }>("/v1/namespaces");
      print(answer, () =>
        table(
          ["NAME", "ID", "SHARD", "CREATED"],
          answer.namespaces.map(({ name, id, shard = 0, createdAt }) => [
            ...[clean(name), clean(id), count(shard), time(createdAt)],
          ]),
          paint,
        ),
      );
    });

  namespaces
    .command("create")
    .argument("<name>", "small letters, digits, - and _; at most 63")
    .description("A new namespace.")
    .option("--open-to-csn", "whoever reaches the door may register devices by CSN, and ask CSN's queries")
    .option(
      "--shard <number>",
      "in whose stream its signals lie, from 0; default: that with the fewest",
      shard,
    )
    .action(async (name: string, options: { openToCsn?: true; shard?: number }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const namespace = await api.post<Namespace>("/v1/namespaces", { name, ...options });
      print(
        namespace,
        () =>
          `${paint("green", "Created")} namespace ${clean(namespace.name)} (id ${clean(namespace.id)}).\n` +
          `Next: fieldlog keys create --namespace ${clean(namespace.name)} --permission read\n`,
      );
    });

  namespaces
    .command("retention")
    .argument("<namespace>", "its name or id")
    .description(
      "How long the tables keep measurements and log entries of devices; shows it, or sets what is given. " +
        "The log itself keeps everything.",
    )
    .option("--measurements <days>", "1 to 36500, or forever", days)
    .option("--logs <days>", "1 to 36500, or forever", days)
    .action(async (namespace: string, options: RetentionOptions, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const path = `/v1/namespaces/${part(namespace)}/retention`;
      let retention = await api.get<Retention>(path);
      if (options.measurements !== undefined || options.logs !== undefined) {
        retention = await api.put<Retention>(path, {
          measurementDays: asGiven(options.measurements, retention.measurementDays),
          logDays: asGiven(options.logs, retention.logDays),
        });
      }
      const span = (value: number | null) => (value === null ? "for ever" : `${count(value)} days`);
      print(retention, () =>
        fields(
          [
            ["measurements", span(retention.measurementDays)],
            ["log entries", span(retention.logDays)],
          ],
          paint,
        ),
      );
    });

  for (const [name, done, description] of [
    [
      "disable",
      "Disabled",
      "Refuses everything of its devices, until it is enabled; they keep what they have.",
    ],
    ["enable", "Enabled", "Takes what its devices send again."],
  ] as const) {
    const command = namespaces
      .command(name)
      .argument("<namespace>", "its name or id")
      .description(description);
    if (name === "disable") command.option("--reason <text>", "why, for people");
    command.action(async (namespace: string, { reason }: { reason?: string }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      await api.post(`/v1/namespaces/${part(namespace)}/${name}`, reason === undefined ? {} : { reason });
      print(
        { namespace, disabled: name === "disable" },
        () => `${paint("green", done)} ${clean(namespace)}.\n`,
      );
    });
  }

  addSettings(namespaces, world);
  addClear(namespaces, world);
}

function shard(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It is a number, from 0.");
}

type Days = number | "forever";

interface RetentionOptions {
  readonly measurements?: Days;
  readonly logs?: Days;
}

function asGiven(given: Days | undefined, present: number | null): number | null {
  if (given === undefined) return present;
  return given === "forever" ? null : given;
}

function days(text: string): Days {
  if (text === "forever") return text;
  const value = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > 36_500) throw new InvalidArgumentError("It is 1 to 36500, or forever.");
  return value;
}
