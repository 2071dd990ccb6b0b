import { type Command, InvalidArgumentError, Option } from "commander";
import type { FleetTemplate, FleetTemplateDevice } from "../api/answers.js";
import { part } from "../api/api.js";
import { contextOf, examples, NAMESPACE, type Scope } from "../context.js";
import { fields, right, table } from "../output/table.js";
import { clean, type Paint, SHOWN, time } from "../output/text.js";
import type { World } from "../world.js";
import { object, positive } from "./values.js";

/** On what a device reports. */
interface Condition {
  readonly field: string;
  readonly op: string;
  readonly value: unknown;
}

interface SetOptions extends Scope {
  readonly tag: Record<string, unknown>;
  readonly reports: readonly Condition[];
  readonly stopAfter?: number;
  readonly within?: number;
}

interface DevicesOptions extends Scope {
  readonly state?: string;
  readonly limit: number;
  readonly after?: string;
}

const STATES = ["waiting", "applied", "acknowledged", "failed", "gone"];

/** `fleet`: what is wanted of all devices that have some tags and report some values. */
export function addFleet(program: Command, world: World): void {
  const fleet = program
    .command("fleet")
    .description("What is wanted of all devices with some tags, or that report something: fleet templates.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog fleet set roofs '{\"rate\":60}' --tag site=roof --stop-after 3", "for all on roofs"],
        ["fieldlog fleet set slow '{\"rate\":600}' --reports 'battery.level<20'", "for all that run low"],
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
    .command("devices")
    .argument("<name>")
    .description("Devices of one by id, those of one state or all.")
    .option(...NAMESPACE)
    .addOption(new Option("--state <state>", "only those").choices(STATES))
    .option("--limit <number>", "how many at most", positive, 100)
    .option("--after <id>", "only devices behind this id")
    .action(async (name: string, options: DevicesOptions, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { namespace, state, limit, after } = options;
      const path = `${pathOf(namespace, name)}/devices`;
      const query = { limit, state, after };
      const answer = await api.get<{ devices: FleetTemplateDevice[]; next: string | null }>(path, query);
      print(answer, () => {
        if (answer.devices.length === 0) return "There are no such devices.\n";
        const more = answer.next === null ? "" : `\nThere may be more: --after ${clean(answer.next)}\n`;
        return `${devicesText(answer.devices, paint)}${more}`;
      });
    });

  fleet
    .command("set")
    .argument("<name>")
    .argument("<json>", "what is wanted of each, as an object; null takes away", object)
    .description("Makes one, or changes it: then all its devices get it, also those that get the tags later.")
    .option(...NAMESPACE)
    .option("--tag <name=value>", "that devices have; several times: all of them", tag, {})
    .option("--reports <condition>", "such as battery.level<20; several times: all hold", reports, [])
    .option("--stop-after <number>", "devices that have failed when it stops", positive)
    .option("--within <seconds>", "in which a device is to take it, or has failed (default: a day)", positive)
    .action(async (name: string, desired: object, options: SetOptions, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { namespace, tag: tags, reports: reported } = options;
      const { stopAfter: stopAfterFailures, within: takeWithinS } = options;
      const body = { tags, reported, desired, stopAfterFailures, takeWithinS };
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
  const { name, revision, tags, reported, desired, stopped, stopAfterFailures, takeWithinS, ...of } =
    template;
  const stops = stopAfterFailures === null ? "" : `; stops when ${stopAfterFailures} have failed`;
  const told = fields(
    [
      ["name", `${clean(name)}, revision ${revision} of ${time(of.setAt)}`],
      ["tags", clean(JSON.stringify(tags), SHOWN)],
      ["reports", clean(reported.map(conditionText).join(", ") || "anything", SHOWN)],
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
  return of.devices.length === 0 ? told : `${told}\n${devicesText(of.devices, paint)}`;
}

function devicesText(devices: readonly FleetTemplateDevice[], paint: Paint): string {
  const rows = devices.map(({ device, state, error, changedAt }) => [
    ...[clean(device), clean(state), time(changedAt), clean(error ?? "")],
  ]);
  return table(["DEVICE", "STATE", "SINCE", "ERROR"], rows, paint);
}

function conditionText({ field, op, value }: Condition): string {
  return `${field}${op}${typeof value === "string" ? value : JSON.stringify(value)}`;
}

/** A condition's value, as a tag's, is JSON where it is a number or a flag. */
function reports(text: string, before: readonly Condition[]): readonly Condition[] {
  const [, field, op, value] = /^([^=!<>]+)(=|!=|<=|>=|<|>)(.*)$/s.exec(text) ?? [];
  if (field === undefined || op === undefined || value === undefined) {
    throw new InvalidArgumentError("It is a property, a comparison and a value, such as battery.level<20.");
  }
  return [...before, { field, op, value: plain(value) }];
}

/** A tag's value is JSON where it is a number or a flag, and otherwise a text. */
function tag(text: string, before: Record<string, unknown>): Record<string, unknown> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It is a name and a value, such as site=roof.");
  return { ...before, [text.slice(0, at)]: plain(text.slice(at + 1)) };
}

function plain(text: string): unknown {
  return /^(true|false|-?(0|[1-9]\d*)(\.\d+)?)$/.test(text) ? JSON.parse(text) : text;
}

function pathOf(namespace: string, name?: string): string {
  const all = `/v1/namespaces/${part(namespace)}/fleet-templates`;
  return name === undefined ? all : `${all}/${part(name)}`;
}
