import type { DestinationStream } from "pino";
import { Health } from "./health.js";
import { Lifecycle } from "./lifecycle.js";
import { createLogger, type Logger } from "./logger.js";
import { createMetrics, type Registry } from "./metrics.js";
import { countLogEntries, observeProcess, observeService } from "./process-metrics.js";
import type { Settings } from "./settings.js";

/** What a service gets to live in. It reads no environment, opens no port for operators and catches no signal. */
export interface Runtime {
  readonly service: string;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly health: Health;
  readonly lifecycle: Lifecycle;
  /** Where log entries go; absent: standard output. */
  readonly logTo?: DestinationStream | undefined;
}

export interface RuntimeOptions {
  /** A runtime of the same process: settings, metrics, log destination and health are shared. */
  within?: Runtime;
  /** Where log entries go; default: standard output. */
  logTo?: DestinationStream;
}

export function createRuntime(service: string, settings: Settings, options: RuntimeOptions = {}): Runtime {
  const { within } = options;
  const logTo = within?.logTo ?? options.logTo;
  const metrics = within?.metrics ?? createMetrics();
  const onEntry = countLogEntries(metrics, service);
  const logger = createLogger(service, settings.logLevel, { destination: logTo, onEntry });
  const health = within?.health.part(service) ?? new Health();
  const lifecycle = new Lifecycle(logger);
  health.add("lifecycle", async () => (lifecycle.phase === "started" ? undefined : lifecycle.phase));
  const runtime: Runtime = { service, settings, logger, metrics, health, lifecycle, logTo };
  observeService(runtime);
  if (within === undefined) observeProcess(runtime);
  return Object.freeze(runtime);
}
