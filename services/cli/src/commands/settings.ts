import { type Command, InvalidArgumentError, Option } from "commander";
import type { NamespaceSettings } from "../api/answers.js";
import { part } from "../api/api.js";
import { contextOf } from "../context.js";
import { fields } from "../output/table.js";
import { count } from "../output/text.js";
import type { World } from "../world.js";

type Given = { -readonly [K in keyof NamespaceSettings]?: NamespaceSettings[K] };

/** `namespaces settings`. */
export function addSettings(namespaces: Command, world: World): void {
  namespaces
    .command("settings")
    .argument("<namespace>", "its name or id")
    .description("When devices count as active, and how much there may be; shows it, or sets what is given.")
    .option("--heartbeat-s <seconds>", "a heartbeat is expected so often, or default", number)
    .option(
      "--inactive-after-s <seconds>",
      "without one for so long a device is inactive, or default",
      number,
    )
    .option("--devices <number>", "most devices, or default: no limit", number)
    .option("--stored-bytes <number>", "most bytes of all readings, or default: no limit", number)
    .option("--upload-bytes <number>", "most bytes of one upload, or default", number)
    .addOption(
      new Option("--unique-device-names <yes|no>", "no two devices have one name").choices(["yes", "no"]),
    )
    .addOption(
      new Option("--offers <which>", "which offers of data are accepted").choices(["requested", "all"]),
    )
    .addOption(
      new Option(
        "--remote-access <yes|no>",
        "keys with permission admin may open tunnels to its devices",
      ).choices(["yes", "no"]),
    )
    .addOption(
      new Option(
        "--open-to-csn <yes|no>",
        "whoever reaches the door may register devices by CSN, and ask CSN's queries",
      ).choices(["yes", "no"]),
    )
    .action(async (namespace: string, options: Record<string, unknown>, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const path = `/v1/namespaces/${part(namespace)}/settings`;
      const given = givenOf(options);
      const settings =
        Object.keys(given).length === 0
          ? await api.get<NamespaceSettings>(path)
          : await api.patch<NamespaceSettings>(path, given);
      const shown = (value: number | null) => (value === null ? "default" : count(value));
      print(settings, () =>
        fields(
          [
            ["heartbeat (s)", shown(settings.heartbeatS)],
            ["inactive after (s)", shown(settings.inactiveAfterS)],
            ["unique device names", settings.uniqueDeviceNames ? "yes" : "no"],
            ["devices", shown(settings.devices)],
            ["stored bytes", shown(settings.storedBytes)],
            ["upload bytes", shown(settings.uploadBytes)],
            ["offers", settings.offers],
            ["remote access", settings.remoteAccess ? "yes" : "no"],
            ["open to CSN", settings.openToCsn ? "yes" : "no"],
          ],
          paint,
        ),
      );
    });
}

const NAMES = ["heartbeatS", "inactiveAfterS", "devices", "storedBytes", "uploadBytes", "offers"] as const;
const CHOICES = ["uniqueDeviceNames", "remoteAccess", "openToCsn"] as const;

function givenOf(options: Record<string, unknown>): Given {
  const given = (names: readonly string[], read: (option: unknown) => unknown) =>
    names.flatMap((name) => (name in options ? [[name, read(options[name])]] : []));
  return Object.fromEntries([
    ...given(NAMES, (option) => (option === DEFAULT ? null : option)),
    ...given(CHOICES, (option) => option === "yes"),
  ]);
}

/** Of an option, a null would be lost. */
const DEFAULT = "default";

function number(text: string): number | typeof DEFAULT {
  if (text === DEFAULT) return text;
  if (!/^[1-9]\d{0,15}$/.test(text))
    throw new InvalidArgumentError("It is a whole number above 0, or default.");
  return Number(text);
}
