import type { Command } from "commander";
import type { Device } from "../api/answers.js";
import { type Api, part } from "../api/api.js";
import { contextOf, examples, NAMESPACE } from "../context.js";
import { fields, right, table } from "../output/table.js";
import { ago, clean, count, type Paint, time } from "../output/text.js";
import type { World } from "../world.js";
import { addErase } from "./clearing.js";
import { addDeviceBound } from "./device-bound.js";
import { addTunnel } from "./tunnel.js";
import { positive } from "./values.js";

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
        ["fieldlog devices create boiler", "a new one that speaks MQTT, with its password"],
        ["fieldlog devices mqtt-password 1234567890123456", "a new MQTT password in place of the old one"],
        ["fieldlog devices send hut-1 'open the window'", "a message that waits for a provisioned device"],
        ["fieldlog devices call hut-1 blink '{\"times\":3}'", "what such a device does at once, and answers"],
        ["fieldlog devices tunnel hut-1 22 --listen 2222", "its SSH, for: ssh -p 2222 localhost"],
        ["fieldlog devices erase 1234567890123456", "one device and all that it reported, for ever"],
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

  devices
    .command("create")
    .argument("<name>", "1 to 64 of small letters, digits and single - between; once in the namespace")
    .description("A new device that speaks MQTT. Its password is shown this once.")
    .option(...NAMESPACE)
    .action(async (name: string, options: { namespace: string }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const created = await api.post<Created>(`/v1/namespaces/${part(options.namespace)}/devices`, { name });
      print(
        created,
        () =>
          `${paint("green", "Created")} device ${clean(created.name)} (id ${clean(created.id)}). Its MQTT password:\n\n` +
          howToLogIn(created.id, created.secret, paint),
      );
    });

  devices
    .command("mqtt-password")
    .argument("<id>", "the device's id")
    .description("A new MQTT password for a device of any dialect; one that it had stops working.")
    .option(...NAMESPACE)
    .action(async (id: string, options: { namespace: string }, command: Command) => {
      const { api, print, paint } = contextOf(command, world);
      const path = `/v1/namespaces/${part(options.namespace)}/devices/${part(id)}/mqtt-password`;
      const issued = await api.post<{ secret: string }>(path);
      print(issued, () => howToLogIn(id, issued.secret, paint));
    });

  addDeviceBound(devices, world);
  addTunnel(devices, world);
  addErase(devices, world);
}

interface Created {
  id: string;
  name: string;
  secret: string;
}

/** What its owner has to know of a password that is shown once. */
function howToLogIn(id: string, secret: string, paint: Paint): string {
  const user = clean(id);
  return (
    `${paint("bold", clean(secret))}\n\n` +
    `Keep it now: it is not shown again. The device logs in to MQTT with its id as user name, and publishes\n` +
    `on topics that begin with its id; for example, with Mosquitto's client:\n` +
    `  mosquitto_pub -h 127.0.0.1 -u ${user} -P ${clean(secret)} -q 1 -t ${user}/hello -m world\n`
  );
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
    const states = await statesOf(api, namespace, after, page.devices ?? []);
    devices.push(
      ...(page.devices ?? []).map((device) => ({ ...device, state: states.get(device.id) ?? null })),
    );
    after = page.next || undefined;
  } while (after !== undefined && devices.length < limit);
  return { devices, next: after ?? null };
}

/** By id: whether each is active, late or inactive. None where that cannot be found out just now. */
async function statesOf(
  api: Api,
  namespace: string,
  after: string | undefined,
  devices: readonly Device[],
): Promise<Map<string, string>> {
  if (devices.length === 0) return new Map();
  // Those that were heard of are some of all: as many of them, in the same order, reach at least as far.
  const query = { limit: devices.length, after };
  const found = await api
    .get<{ devices?: { device: string; state: string }[] }>(
      `/v1/namespaces/${part(namespace)}/liveness`,
      query,
    )
    .catch(() => ({ devices: [] }));
  return new Map(found.devices?.map(({ device, state }) => [device, state]));
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
    clean(device.state ?? ""),
    clean(device.status),
  ]);
  const columns = [
    "ID",
    "NAME",
    "DIALECT",
    right("SENSORS"),
    right("EVENTS"),
    "LAST SEEN",
    "STATE",
    "STATUS",
  ];
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
      ...Object.entries(device.latestValues ?? {}).map(
        ([attribute, { value, time: at }]): [string, string] => [
          `latest ${clean(attribute, 40)}`,
          `${value} (${time(at)})`,
        ],
      ),
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
