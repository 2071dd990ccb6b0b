import { edgeImpulsePorts, type Settings, SettingsError, settingsTable } from "@fieldlog/runtime";
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

/** Whose port it is. */
const PUBLIC = {
  ...{ httpPort: "edge-http", httpsPort: "edge-http" },
  ...{ mqttPort: "edge-mqtt", mqttsPort: "edge-mqtt", mqttWsPort: "edge-mqtt" },
  wsPort: "edge-websocket",
} as const;
const INTERNAL = {
  ...{ authGrpc: "auth", devicesGrpc: "devices", projectionsGrpc: "projections" },
  ...{ subscriptionsGrpc: "subscriptions", livenessGrpc: "liveness", offersGrpc: "offers" },
  ...{ samplingGrpc: "sampling", streamsGrpc: "streams" },
} as const;

type Public = keyof typeof PUBLIC;
type Internal = keyof typeof INTERNAL;
type Ports = Pick<Settings, Public | Internal>;

/**
 * The ports to use: the public ones as they are set (0: a free one); for calls between services, which stay inside
 * this process, the default ones or, where those are in use, free ones. Those of services that do not run here stay as
 * they are set. Raises PortInUse, and SettingsError where ports that cannot be others are in use.
 */
export async function choosePorts(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  runsHere: (service: string) => boolean = () => true,
): Promise<Ports> {
  const ports: { -readonly [K in keyof Ports]?: Ports[K] } = {};
  const chosen = new Set<number>();
  const another = async (near: number) => {
    let port = await freePort(near);
    while (chosen.has(port)) port = await freePort();
    chosen.add(port);
    return port;
  };
  const taken: TakenPort[] = [];
  for (const key of Object.keys(PUBLIC) as Public[]) {
    const port = settings[key];
    if (!runsHere(PUBLIC[key])) ports[key] = port;
    else if (port === 0) ports[key] = await another(0);
    else if (await isFree(port, settings.bind)) ports[key] = port;
    else taken.push({ setting: settingsTable[key].name, port, suggestion: await another(port + 10) });
  }
  for (const key of Object.keys(INTERNAL) as Internal[]) {
    const { name } = settingsTable[key];
    const port = Number(settings[key].slice(settings[key].lastIndexOf(":") + 1));
    if (!runsHere(INTERNAL[key])) ports[key] = settings[key];
    else if (port !== 0 && (await isFree(port))) ports[key] = settings[key];
    else if (port !== 0 && env[name]) taken.push({ setting: name, port, suggestion: await another(0) });
    else ports[key] = `127.0.0.1:${await another(0)}`;
  }
  if (taken.length > 0) throw new PortInUse(taken);
  if (settings.edgeImpulseLocalPorts) await checkEdgeImpulsePorts(settings.bind);
  return ports as Ports;
}

async function checkEdgeImpulsePorts(bind: string): Promise<void> {
  for (const port of Object.values(edgeImpulsePorts)) {
    if (await isFree(port, bind)) continue;
    const { name } = settingsTable.edgeImpulseLocalPorts;
    throw new SettingsError([`${name}: port ${port}, where the clients look, is in use by another program`]);
  }
}
