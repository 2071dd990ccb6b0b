import { type Settings, settingsTable } from "@fieldlog/runtime";
import { freePort, isFree } from "@fieldlog/servers";

/** A port that was asked for, by a setting or its default, is in use. */
export class PortInUse extends Error {
  constructor(
    readonly setting: string,
    readonly port: number,
    readonly suggestion: number,
  ) {
    super(
      `port ${port} is in use by another program. Stop that program, ` +
        `or choose another port: ${setting}=${suggestion} npm start`,
    );
    this.name = "PortInUse";
  }
}

const INTERNAL = ["authGrpc", "devicesGrpc", "projectionsGrpc"] as const;

type Ports = { [K in "httpPort" | (typeof INTERNAL)[number]]: Settings[K] };

/**
 * The ports to use: the HTTP port as it is set (0: a free one); for calls between services, which stay inside
 * this process, the default ones or, where those are in use, free ones. Raises PortInUse.
 */
export async function choosePorts(settings: Settings, env: NodeJS.ProcessEnv): Promise<Ports> {
  const { httpPort, bind } = settings;
  if (httpPort !== 0 && !(await isFree(httpPort, bind))) {
    throw new PortInUse(settingsTable.httpPort.name, httpPort, await freePort(httpPort + 10));
  }
  const ports: Ports = {
    httpPort: httpPort || (await freePort()),
    authGrpc: settings.authGrpc,
    devicesGrpc: settings.devicesGrpc,
    projectionsGrpc: settings.projectionsGrpc,
  };
  for (const key of INTERNAL) {
    const { name } = settingsTable[key];
    const port = Number(settings[key].slice(settings[key].lastIndexOf(":") + 1));
    if (port !== 0 && (await isFree(port))) continue;
    if (port !== 0 && env[name]) throw new PortInUse(name, port, await freePort());
    ports[key] = `127.0.0.1:${await freePort()}`;
  }
  return ports;
}
