import { type Command, InvalidArgumentError } from "commander";
import type { FleetTemplate, FleetTemplateDevice } from "../api/answers.js";
import { part } from "../api/api.js";
import { contextOf, examples, NAMESPACE } from "../context.js";
import { fields, table } from "../output/table.js";
import { clean, type Paint, time } from "../output/text.js";
import type { World } from "../world.js";
import { positive } from "./devices.js";
import { object } from "./properties.js";

interface Scope {
  readonly namespace: string;
}

interface SetOptions extends Scope {
  readonly tag: Record<string, unknown>;
  readonly stopAfter?: number;
  readonly within?: number;
}

/** Characters of an object that a table shows. */
const SHOWN = 4_000;

/** What is wanted of all devices with some tags. */
export function addFleet(program: Command, world: World): void {
  const fleet = program
    .command("fleet")
    .description("What is wanted of all devices with some tags: fleet templates.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog fleet set roofs '{\"rate\":60}' --tag site=roof --stop-after 3", "for all on roofs"],
        ["fieldlog fleet show roofs", "who has it, who took it, who failed"],
      ),
    );

  fleet
    .command("list")
    .description("All of them, and how far each is.")
    .option(...NAMESPACE)
    .action(async ({ namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await api.get<{ templates: FleetTemplate[] }>(pathOf(namespace));
      print(answer, () =>
        answer.templates.length === 0
          ? `There are no fleet templates in namespace ${clean(namespace)}.\n`
          : table(COLUMNS, answer.templates.map(rowOf), paint),
      );
    });

  fleet
    .command("show")
    .argument("<name>")
    .description("One, and its devices: those that failed first.")
    .option(...NAMESPACE)
    .action(async (name: string, { namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await api.get<FleetTemplate & { devices: FleetTemplateDevice[] }>(
        pathOf(namespace, name),
      );
      print(answer, () => shownText(answer, paint));
    });

  fleet
    .command("set")
    .argument("<name>")
    .argument("<json>", "what is wanted of each, as an object; null takes away", object)
    .description("Makes one, or changes it: then all its devices get it, also those that get the tags later.")
    .option(...NAMESPACE)
    .requiredOption("--tag <name=value>", "that devices have; several times: all of them", tag, {})
    .option("--stop-after <number>", "devices that have failed when it stops", positive)
    .option("--within <seconds>", "in which a device is to take it, or has failed (default: a day)", positive)
    .action(async (name: string, desired: object, options: SetOptions, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { namespace, tag: tags, stopAfter: stopAfterFailures, within: takeWithinS } = options;
      const body = { tags, desired, stopAfterFailures, takeWithinS };
      const answer = await api.put<{ revision: number }>(pathOf(namespace, name), body);
      const revision = paint("bold", String(answer.revision));
      print(answer, () => `${paint("green", "Set")} fleet template ${clean(name)}, revision ${revision}.\n`);
    });

  fleet
    .command("stop")
    .argument("<name>")
    .description("No further device gets it; those that have it keep it. It goes on when it is set again.")
    .option(...NAMESPACE)
    .option("--reason <text>", "why")
    .action(async (name: string, { namespace, reason }: Scope & { reason?: string }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      await api.post(`${pathOf(namespace, name)}/stop`, { reason });
      print({ name }, () => `${paint("green", "Stopped")} fleet template ${clean(name)}.\n`);
    });

  fleet
    .command("remove")
    .argument("<name>")
    .description("Removes it; what is wanted of devices stays.")
    .option(...NAMESPACE)
    .action(async (name: string, { namespace }: Scope, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      await api.delete(pathOf(namespace, name));
      print({ name }, () => `${paint("green", "Removed")} fleet template ${clean(name)}.\n`);
    });
}

const right = (heading: string) => ({ heading, right: true }) as const;
const COLUMNS = [
  ...["NAME", right("REVISION"), right("MATCH"), right("HAVE IT"), right("TOOK IT"), right("FAILED")],
  ...["STATE", "TAGS"],
];

function rowOf(template: FleetTemplate): string[] {
  const { name, revision, matching, applied, acknowledged, failed, stopped, tags } = template;
  const numbers = [revision, matching, applied, acknowledged, failed].map(String);
  return [clean(name), ...numbers, stopped === null ? "going" : "stopped", clean(JSON.stringify(tags), 60)];
}

function shownText(template: FleetTemplate & { devices: FleetTemplateDevice[] }, paint: Paint): string {
  const { name, revision, tags, desired, stopped, stopAfterFailures, takeWithinS, ...of } = template;
  const stops = stopAfterFailures === null ? "" : `; stops when ${stopAfterFailures} have failed`;
  const told = fields(
    [
      ["name", `${clean(name)}, revision ${revision} of ${time(of.setAt)}`],
      ["tags", clean(JSON.stringify(tags), SHOWN)],
      ["wants", clean(JSON.stringify(desired), SHOWN)],
      ["within", `${takeWithinS} s${stops}`],
      ["state", stopped === null ? "going" : paint("red", `stopped: ${clean(stopped)}`)],
      [
        "devices",
        `${of.matching} match, ${of.applied} have it, ${of.acknowledged} took it, ${of.failed} failed`,
      ],
    ],
    paint,
  );
  if (of.devices.length === 0) return told;
  const rows = of.devices.map(({ device, state, error, changedAt }) => [
    ...[clean(device), clean(state), time(changedAt), clean(error ?? "")],
  ]);
  return `${told}\n${table(["DEVICE", "STATE", "SINCE", "ERROR"], rows, paint)}`;
}

/** A tag's value is JSON where it is a number or a flag, and otherwise a text. */
function tag(text: string, before: Record<string, unknown>): Record<string, unknown> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It is a name and a value, such as site=roof.");
  const value = text.slice(at + 1);
  const isPlain = /^(true|false|-?\d+(\.\d+)?)$/.test(value);
  return { ...before, [text.slice(0, at)]: isPlain ? JSON.parse(value) : value };
}

function pathOf(namespace: string, name?: string): string {
  const all = `/v1/namespaces/${part(namespace)}/fleet-templates`;
  return name === undefined ? all : `${all}/${part(name)}`;
}
