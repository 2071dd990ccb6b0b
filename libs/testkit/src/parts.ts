import {
  CALLED,
  DOORS,
  grpcSetting,
  OPS_PORT,
  type ProcessPlan,
  planProcesses,
  SERVICES,
  type ServiceName,
} from "@fieldlog/processes";
import { freePort } from "@fieldlog/servers";
import { LAUNCHER } from "./programs.js";
import { allInProcesses } from "./shape.js";

/** What runs in one process of a started system. */
export interface Part {
  readonly name: string;
  /** LAUNCHER, or the service. */
  readonly program: string;
  /** By setting, what it listens on. */
  readonly ports: Readonly<Record<string, number>>;
  readonly settings: Readonly<Record<string, string>>;
}

export interface Shape {
  /** How many processes of a service; default 1. */
  readonly replicas?: Partial<Record<ServiceName, number>> | undefined;
  readonly inOneProcess?: boolean | undefined;
  /** Only these have processes of their own, so many each. */
  readonly apart?: Partial<Record<ServiceName, number>> | undefined;
}

/**
 * Settings of one process with all services, so that these meet on free ports: two that look for the default ones at the
 * same moment both find them free.
 */
export const anyGrpcPorts: Readonly<Record<string, string>> = Object.fromEntries(
  CALLED.map((service) => [grpcSetting(service), "127.0.0.1:0"]),
);

/** The processes of a system; `dataDir`: of the one that several services share. */
export async function partsOf(shape: Shape, dataDir: string): Promise<Part[]> {
  if (allInProcesses()) return ofEach(await planned(shape.replicas ?? shape.apart));
  if (shape.inOneProcess) return [await whole(dataDir)];
  const plans = await planned(shape.apart ?? shape.replicas);
  return shape.apart ? withRest(plans, shape.apart, dataDir) : ofEach(plans);
}

const planned = (replicas: Shape["replicas"]) =>
  planProcesses({ replicas: (service) => replicas?.[service] ?? 1, port: () => freePort() });

const ofEach = (plans: readonly ProcessPlan[]): Part[] =>
  plans.map(({ name, service, ports, settings }) => ({ name, program: service, ports, settings }));

async function whole(dataDir: string): Promise<Part> {
  const ports: Record<string, number> = {};
  for (const setting of [...Object.values(DOORS).flat(), OPS_PORT]) ports[setting] = await freePort();
  const asText = Object.entries(ports).map(([name, port]) => [name, String(port)]);
  const settings = { ...anyGrpcPorts, ...Object.fromEntries(asText), FIELDLOG_DATA_DIR: dataDir };
  return { name: LAUNCHER, program: LAUNCHER, ports, settings };
}

/** Some alone; what is left in one process. */
function withRest(
  plans: readonly ProcessPlan[],
  apart: NonNullable<Shape["apart"]>,
  dataDir: string,
): Part[] {
  const alone = plans.filter(({ service }) => apart[service] !== undefined);
  const rest = plans.filter(({ service }) => apart[service] === undefined);
  const settings = {
    ...Object.assign({}, ...rest.map((plan) => plan.settings)),
    FIELDLOG_SERVICES: SERVICES.filter((service) => apart[service] === undefined).join(","),
    FIELDLOG_DATA_DIR: dataDir,
  };
  const ports = Object.assign({}, ...rest.map((plan) => plan.ports));
  return [{ name: LAUNCHER, program: LAUNCHER, ports, settings }, ...ofEach(alone)];
}
