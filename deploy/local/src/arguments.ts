import { parseArgs } from "node:util";
import { SERVICES, type ServiceName } from "@fieldlog/processes";

export interface Arguments {
  /** Also start the simulator. */
  demo: boolean;
  /** Only print how to use this. */
  help: boolean;
  /** Take settings from a configuration file of cred's own server: from this one, or (empty) from where that looks. */
  credrc: string | undefined;
  /** Folder of a backup that is put onto empty servers before the services start. */
  restore: string | undefined;
  /** Every service as a process of its own; absent: all in one. */
  processes: ProcessesWanted | undefined;
}

export interface ProcessesWanted {
  /** How many of each service. */
  readonly replicas: (service: ServiceName) => number;
  /** How many NATS servers are started, where none is given; each keeps all of the log. */
  readonly natsServers: number;
}

const MOST_REPLICAS = 9;

/** Arguments that mean nothing here. */
export class UsageError extends Error {
  constructor(problem: string) {
    super(`${problem}\nTry: npm start -- --help`);
    this.name = "UsageError";
  }
}

/** What comes after `npm start --`. Raises UsageError. */
export function parseArguments(args: readonly string[]): Arguments {
  try {
    const { values } = parseArgs({
      args: withValue(args),
      options: {
        demo: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
        credrc: { type: "string" },
        restore: { type: "string" },
        processes: { type: "boolean", default: false },
        replicas: { type: "string" },
        nats: { type: "string" },
      },
    });
    const { demo, help, credrc, restore } = values;
    return { demo, help, credrc, restore, processes: processesOf(values) };
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError((error as Error).message);
  }
}

function processesOf(values: { processes: boolean; replicas?: string; nats?: string }) {
  const { processes, replicas, nats } = values;
  if (!processes) {
    const alone = replicas !== undefined ? "--replicas" : nats !== undefined ? "--nats" : undefined;
    if (alone)
      throw new UsageError(`${alone} goes with --processes: in one process there is one of each service`);
    return undefined;
  }
  if (nats !== undefined && nats !== "1" && nats !== "3") {
    throw new UsageError(
      `--nats must be 1 or 3 (is ${nats}): two servers stand no loss, more help little on one machine`,
    );
  }
  return { replicas: replicasOf(replicas ?? "1"), natsServers: Number(nats ?? 3) };
}

/** `2`, or `projections=2,edge-http=3`; 1 of those that are not named. */
function replicasOf(text: string): (service: ServiceName) => number {
  if (/^\d+$/.test(text)) {
    const all = count(text, "--replicas");
    return () => all;
  }
  const named = new Map<string, number>();
  for (const part of text.split(",")) {
    const [service = "", number = ""] = part.split("=");
    if (!SERVICES.some((name) => name === service)) {
      throw new UsageError(`--replicas: there is no service ${service}, only ${SERVICES.join(", ")}`);
    }
    named.set(service, count(number, `--replicas ${service}`));
  }
  return (service) => named.get(service) ?? 1;
}

function count(text: string, name: string): number {
  const number = /^\d$/.test(text) ? Number(text) : 0;
  if (number < 1)
    throw new UsageError(`${name} must be a number from 1 to ${MOST_REPLICAS} (is ${text || "empty"})`);
  return number;
}

/** `--credrc` may stand alone. */
function withValue(args: readonly string[]): string[] {
  return args.map((argument, index) => {
    const next = args[index + 1];
    return argument === "--credrc" && (next === undefined || next.startsWith("-")) ? "--credrc=" : argument;
  });
}
