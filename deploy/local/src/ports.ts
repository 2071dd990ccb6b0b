import { CALLED, DOORS, grpcSetting, OPS_PORT, type ServiceName } from "@fieldlog/processes";
import { edgeImpulsePorts, opsPorts, type Settings, SettingsError, settingsTable } from "@fieldlog/runtime";
import { freePort, isFree } from "@fieldlog/servers";

/** A port that was asked for, by a setting or its default, and is in use. */
export interface TakenPort {
  /** The name of the setting. */
  readonly setting: string;
  readonly port: number;
  /** A free one. */
  readonly suggestion: number;
}

/** Names all ports that are in use, and the settings that choose others. */
export class PortInUse extends Error {
  constructor(readonly taken: readonly TakenPort[]) {
    const ports = taken.map(({ port }) => port);
    const others = taken.map(({ setting, suggestion }) => `${setting}=${suggestion}`);
    const [is, another] =
      taken.length === 1
        ? [`port ${ports[0]} is`, "another port"]
        : [`ports ${ports.join(", ")} are`, "others"];
    super(
      `${is} in use by another program. Stop that program, or choose ${another}: ${others.join(" ")} npm start`,
    );
    this.name = "PortInUse";
  }
}

/** How far the ports of a service's next replica are looked for from those of the one before. */
const NEXT_REPLICA = 20;
/** The operator's port of one process with all services. */
const OPS_OF_ALL = 9200;

type Key = keyof typeof settingsTable;

const keys = new Map(Object.entries(settingsTable).map(([key, { name }]) => [name, key as Key]));

/** The key in code of a setting that names a port. */
export function keyOf(setting: string): Key {
  const key = keys.get(setting);
  if (key === undefined) throw new Error(`there is no setting ${setting}`);
  return key;
}

/** Gives out the ports of one start, each once. */
export class Ports {
  readonly #chosen = new Set<number>();
  readonly #taken: TakenPort[] = [];

  constructor(
    private readonly settings: Settings,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /**
   * Of a service's nth process (from 1 on). Where it listens for people and devices, the first has the port that is set
   * (0: a free one); for calls between services and for the operator, which stay on this machine, the default one or,
   * where that is in use, a free one. The others have some port near it.
   */
  async port(setting: string, replica = 1, service?: ServiceName): Promise<number> {
    if (setting === OPS_PORT && this.settings.opsPort === undefined) {
      return this.#near((service ? opsPorts[service] : OPS_OF_ALL) ?? 0, replica);
    }
    const value = this.settings[keyOf(setting)];
    const port = portOf(value);
    if (port === 0 || replica > 1) return this.#near(port, replica);
    const isInternal = typeof value === "string";
    if (await isFree(port, isInternal ? undefined : this.settings.bind)) return this.#choose(port);
    if (isInternal && !this.env[setting]) return this.#near(0, 1);
    this.#taken.push({ setting, port, suggestion: await this.#near(isInternal ? 0 : port + 10, 1) });
    return port;
  }

  /** Raises PortInUse when one was asked for that is in use, and SettingsError where ports that cannot be others are. */
  async check(): Promise<void> {
    if (this.#taken.length > 0) throw new PortInUse(this.#taken);
    if (this.settings.edgeImpulseLocalPorts) await checkEdgeImpulsePorts(this.settings.bind);
  }

  async #near(first: number, replica: number): Promise<number> {
    let port = await freePort(first === 0 ? 0 : first + (replica - 1) * NEXT_REPLICA);
    while (this.#chosen.has(port)) port = await freePort();
    return this.#choose(port);
  }

  #choose(port: number): number {
    this.#chosen.add(port);
    return port;
  }
}

/**
 * What one process listens on that runs these services, by setting. Those of the others stay as they are set.
 * Raises as `Ports.check`.
 */
export async function portsOfOneProcess(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  runsHere: (service: ServiceName) => boolean,
): Promise<Partial<Settings>> {
  const ports = new Ports(settings, env);
  const chosen: Record<string, string | number> = {};
  for (const [door, names] of Object.entries(DOORS)) {
    if (!runsHere(door as ServiceName)) continue;
    for (const name of names) chosen[keyOf(name)] = await ports.port(name);
  }
  for (const service of CALLED.filter(runsHere)) {
    const setting = grpcSetting(service);
    const port = await ports.port(setting);
    const given = settings[keyOf(setting)];
    chosen[keyOf(setting)] = portOf(given) === port ? String(given) : `127.0.0.1:${port}`;
  }
  chosen["opsPort"] = await ports.port(OPS_PORT);
  await ports.check();
  return chosen as Partial<Settings>;
}

/** Of a port, or an address. */
function portOf(value: unknown): number {
  const text = String(value);
  return Number(text.slice(text.lastIndexOf(":") + 1));
}

async function checkEdgeImpulsePorts(bind: string): Promise<void> {
  for (const port of Object.values(edgeImpulsePorts)) {
    if (await isFree(port, bind)) continue;
    const { name } = settingsTable.edgeImpulseLocalPorts;
    throw new SettingsError([`${name}: port ${port}, where the clients look, is in use by another program`]);
  }
}
