import { CALLED, DOORS, grpcSetting, isDoor, OPS_PORT, SERVICES, type ServiceName } from "./services.js";

/** One process of a service, and what it has to know of the others. */
export interface ProcessPlan {
  /** The service's name; of a further replica `edge-http-2`, `edge-http-3`, … */
  readonly name: string;
  readonly service: ServiceName;
  /** From 1 on. */
  readonly replica: number;
  /** What it listens on, by setting. */
  readonly ports: Readonly<Record<string, number>>;
  /** All settings that name ports: its own, and where it finds the others. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface PlanOptions {
  /** Which services; default: all. Where the others are is not in the plans' settings. */
  readonly services?: readonly ServiceName[];
  /** How many processes of each. */
  readonly replicas: (service: ServiceName) => number;
  /** A free port of this machine, for the nth replica (from 1 on) of the service whose port this setting names. */
  readonly port: (setting: string, replica: number, service: ServiceName) => Promise<number>;
}

const HOST = "127.0.0.1";

/**
 * Which processes there are, in the order of their start. As in a cluster whose name of a service leads to all of its
 * replicas, these are called in turn. Of the doors each knows the one of its own number, or the first.
 */
export async function planProcesses(o: PlanOptions): Promise<ProcessPlan[]> {
  const processes: Omit<ProcessPlan, "settings">[] = [];
  for (const service of SERVICES.filter((name) => o.services?.includes(name) ?? true)) {
    for (let replica = 1; replica <= o.replicas(service); replica++) {
      const ports: Record<string, number> = {};
      for (const setting of listensOn(service)) ports[setting] = await o.port(setting, replica, service);
      processes.push({ name: processName(service, replica), service, replica, ports });
    }
  }
  return processes.map((process) => ({ ...process, settings: settingsOf(process, processes) }));
}

/** The name of a service's nth process, from 1 on. */
function processName(service: ServiceName, replica: number): string {
  return replica === 1 ? service : `${service}-${replica}`;
}

function listensOn(service: ServiceName): readonly string[] {
  return [...(isDoor(service) ? DOORS[service] : [grpcSetting(service)]), OPS_PORT];
}

type Process = Omit<ProcessPlan, "settings">;

function settingsOf(own: Process, all: readonly Process[]): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const service of CALLED) {
    const setting = grpcSetting(service);
    // It listens where it says that it is called.
    const called = service === own.service ? [own] : all.filter((process) => process.service === service);
    if (called.length > 0) settings[setting] = addressOf(called.map(({ ports }) => ports[setting]));
  }
  for (const [service, names] of Object.entries(DOORS)) {
    const doors = all.filter((process) => process.service === service);
    const door = doors.find(({ replica }) => replica === own.replica) ?? doors[0];
    for (const name of door ? names : []) settings[name] = String(door?.ports[name]);
  }
  settings[OPS_PORT] = String(own.ports[OPS_PORT]);
  return settings;
}

/** As gRPC reads it: one address, or a list of such whose members take turns. */
function addressOf(ports: readonly (number | undefined)[]): string {
  const addresses = ports.map((port) => `${HOST}:${port}`).join(",");
  return ports.length === 1 ? addresses : `ipv4:${addresses}`;
}
