import { type Command, InvalidArgumentError } from "commander";
import type { Device } from "../api/answers.js";
import { type Api, part } from "../api/api.js";
import { contextOf, examples, NAMESPACE } from "../context.js";
import { fields, table } from "../output/table.js";
import { ago, clean, count, type Paint, time } from "../output/text.js";
import type { World } from "../world.js";

/** Rows of one page of a list. */
const PAGE = 500;

export function addDevices(program: Command, world: World): void {
  const devices = program
    .command("devices")
    .description("Registered things: what they are and when they were last heard.")
    .addHelpText(
      "afterAll",
      examples(
        ["fieldlog devices list", "the devices of namespace default"],
        ["fieldlog devices list --limit 5000 --json", "many, for a program"],
        ["fieldlog devices show 1234567890123456", "one, with its sensors"],
      ),
    );

  devices
    .command("list")
    .description("Devices in order of their ids.")
    .option(...NAMESPACE)
    .option("--limit <number>", "how many at most", positive, 100)
    .option("--after <id>", "go on after this device")
    .action(async (options: { namespace: string; limit: number; after?: string }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const answer = await listDevices(api, options.namespace, options.limit, options.after);
      print(answer, () => devicesTable(answer, options.namespace, world.now(), paint));
    });

  devices
    .command("show")
    .argument("<id>", "the device's id")
    .description("One device: its metadata and sensors.")
    .option(...NAMESPACE)
    .action(async (id: string, options: { namespace: string }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const device = await api.get<Device>(`/v1/namespaces/${part(options.namespace)}/devices/${part(id)}`);
      print(device, () => deviceText(device, world.now(), paint));
    });
}

interface DevicePage {
  devices: Device[];
  /** Device id to go on from. */
  next: string | null;
}

async function listDevices(api: Api, namespace: string, limit: number, from?: string): Promise<DevicePage> {
  const devices: Device[] = [];
  let after = from;
  do {
    const page = await api.get<Partial<DevicePage>>(`/v1/namespaces/${part(namespace)}/devices`, {
      limit: Math.min(PAGE, limit - devices.length),
      after,
    });
    devices.push(...(page.devices ?? []));
    after = page.next || undefined;
  } while (after !== undefined && devices.length < limit);
  return { devices, next: after ?? null };
}

function devicesTable({ devices, next }: DevicePage, namespace: string, now: number, paint: Paint): string {
  if (devices.length === 0) return `There are no devices in namespace ${clean(namespace)}.\n`;
  const rows = devices.map((device) => [
    clean(device.id),
    clean(device.metadata?.["name"], 30),
    clean(device.dialect),
    count(device.sensors?.filter(({ removed }) => !removed).length),
    count(device.eventCount),
    ago(device.lastSeenAt, now),
    clean(device.status),
  ]);
  const right = (heading: string) => ({ heading, right: true }) as const;
  const columns = ["ID", "NAME", "DIALECT", right("SENSORS"), right("EVENTS"), "LAST SEEN", "STATUS"];
  const more = next === null ? "" : `\nThere are more: --limit, or --after ${clean(devices.at(-1)?.id)}\n`;
  return table(columns, rows, paint) + more;
}

function deviceText(device: Device, now: number, paint: Paint): string {
  const { name, properties, ...metadata } = device.metadata ?? {};
  const seen = device.lastSeenAt ? ` (${time(device.lastSeenAt)})` : "";
  const text = fields(
    [
      ["id", clean(device.id)],
      ["name", clean(name)],
      ["dialect", clean(device.dialect)],
      ["registered", time(device.registeredAt)],
      ["last seen", `${ago(device.lastSeenAt, now)}${seen}`],
      ["status", clean(device.status)],
      ["events", count(device.eventCount)],
      ...pairsOf(metadata),
      ...pairsOf(properties, "property "),
    ],
    paint,
  );
  if (!device.sensors || device.sensors.length === 0) return text;
  const rows = device.sensors.map(({ id, sensorType, removed, details, ...rest }) => [
    clean(id),
    clean(sensorType),
    clean(
      pairsOf({ ...rest, ...details })
        .map((pair) => pair.join(" "))
        .join(", "),
      80,
    ),
    removed ? paint("dim", "removed") : "",
  ]);
  return `${text}\n${table(["SENSOR", "TYPE", "DETAILS", ""], rows, paint)}`;
}

/** `locationDescription` reads "location description". */
function pairsOf(values: unknown, prefix = ""): [string, string][] {
  if (typeof values !== "object" || values === null) return [];
  return Object.entries(values).map(([name, value]) => {
    const words = prefix ? name : name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    return [prefix + clean(words, 40), clean(value)];
  });
}

export function positive(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a whole number above 0.");
  return Number(text);
}
