import { type Command, Option } from "commander";
import type { DeviceProperties, PropertyChange, VersionedProperties } from "../api/answers.js";
import { part } from "../api/api.js";
import { contextOf, examples, NAMESPACE, type Scope } from "../context.js";
import { table } from "../output/table.js";
import { clean, type Paint, SHOWN, time } from "../output/text.js";
import type { World } from "../world.js";
import { moment, object, positive } from "./values.js";

interface ChangeOptions extends Scope {
  readonly replace?: boolean;
  readonly tags?: boolean;
  readonly expectedVersion?: number;
}

/** What is wanted of devices, what they say of themselves, and their tags. */
export function addProperties(program: Command, world: World): void {
  const properties = program
    .command("properties")
    .description("What is wanted of devices, what they say of themselves, and their tags.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog properties show valve", "all there is now"],
        [
          'fieldlog properties change valve \'{"rate":10,"wifi":null}\'',
          "another rate, and no wifi any more",
        ],
        ['fieldlog properties change valve \'{"site":"roof"}\' --tags', "what operators know it by"],
        ["fieldlog properties history valve", "who changed what"],
      ),
    );

  properties
    .command("show")
    .argument("<device>", "the device's id")
    .description("As they are, or as they were.")
    .option(...NAMESPACE)
    .option("--at <when>", "as they were: a time, or 2h ago", (text) => moment(text, world.now()))
    .action(async (device: string, { namespace, at }: Scope & { at?: string }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await api.get<DeviceProperties>(pathOf(namespace, device), { at });
      print(answer, () => shownText(answer, paint));
    });

  properties
    .command("change")
    .argument("<device>", "the device's id")
    .argument("<json>", "what changes, as an object; null takes away", object)
    .description("Changes what is wanted of a device, which is told what differs; or its tags.")
    .option(...NAMESPACE)
    .addOption(new Option("--replace", "that is all there is to be").conflicts("tags"))
    .option("--tags", "of its tags instead")
    .option("--expected-version <number>", "only if they have this version", positive)
    .action(async (device: string, body: object, options: ChangeOptions, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { namespace, replace, tags, expectedVersion } = options;
      const query = expectedVersion === undefined ? "" : `?expectedVersion=${expectedVersion}`;
      const path = `${pathOf(namespace, device)}/${tags ? "tags" : "desired"}${query}`;
      const now = replace
        ? await api.put<VersionedProperties>(path, body)
        : await api.patch<VersionedProperties>(path, body);
      print(now, () => {
        const what = tags ? "The tags" : "What is wanted";
        return `${what} of device ${clean(device, 60)}, version ${paint("bold", String(now.version))}: ${json(now)}\n`;
      });
    });

  properties
    .command("history")
    .argument("<device>", "the device's id")
    .description("How they changed, the newest first.")
    .option(...NAMESPACE)
    .option("--limit <number>", "how many at most", positive, 100)
    .addOption(new Option("--kind <kind>", "only those").choices(["desired", "reported", "tags"]))
    .action(async (device: string, options: Scope & { limit: number; kind?: string }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const { namespace, limit, kind } = options;
      const path = `${pathOf(namespace, device)}/changes`;
      const answer = await api.get<{ changes: PropertyChange[] }>(path, { limit, kind });
      print(answer, () =>
        answer.changes.length === 0
          ? "Nobody has changed them yet.\n"
          : table(COLUMNS, answer.changes.map(rowOf), paint),
      );
    });
}

function shownText({ desired, reported, tags, takenVersion }: DeviceProperties, paint: Paint): string {
  const taken = takenVersion === null ? "" : `; the device has taken version ${takenVersion}`;
  const line = (name: string, of: VersionedProperties, more = "") =>
    `${paint("bold", name.padEnd(9))} ${json(of)}  (version ${of.version}${more})\n`;
  return line("desired", desired, taken) + line("reported", reported) + line("tags", tags);
}

const json = ({ value }: VersionedProperties) => clean(JSON.stringify(value), SHOWN);

const COLUMNS = ["CHANGED", "WHAT", { heading: "VERSION", right: true } as const, "BY", "CHANGE"];

function rowOf({ changedAt, kind, version, changedBy, patch }: PropertyChange): string[] {
  return [
    ...[time(changedAt), clean(kind), String(version), clean(changedBy, 40)],
    clean(JSON.stringify(patch), 200),
  ];
}

function pathOf(namespace: string, device: string): string {
  return `/v1/namespaces/${part(namespace)}/devices/${part(device)}/properties`;
}
