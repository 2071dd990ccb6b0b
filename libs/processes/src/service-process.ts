import { ServerProcess, type ServerProcessOptions } from "@fieldlog/servers";
import type { ProcessPlan } from "./plan.js";

export interface ServiceProcessOptions
  extends Pick<ServerProcessOptions, "dataDir" | "pidFile" | "env" | "log" | "ended" | "startTimeoutMs"> {
  readonly name: ProcessPlan["name"];
  /** The JavaScript that it runs. */
  readonly program: string;
  /** Where it says whether it is ready. */
  readonly readyUrl: string;
}

const ANSWER_MS = 10_000;

/** A built service, or several, as a process; its start resolves when it says that it is ready. */
export function serviceProcess({ program, readyUrl, ...o }: ServiceProcessOptions): ServerProcess {
  return new ServerProcess({
    ...o,
    command: process.execPath,
    args: [program],
    stopSignal: "SIGTERM",
    answers: async () => (await fetch(readyUrl, { signal: AbortSignal.timeout(ANSWER_MS) })).ok,
  });
}
