import type { DynamicModule } from "@nestjs/common";
import { hostModule } from "./host.js";
import type { Logger } from "./logger.js";
import { listenOps } from "./ops.js";
import { createRuntime, type Runtime } from "./runtime.js";
import { describeSettings, readSettings, SettingsError } from "./settings.js";
import { opsPorts } from "./settings-table.js";
import { startTracing } from "./tracing.js";

/** Milliseconds for a whole stop; then the process ends regardless. */
export const STOP_MS = 30_000;

/**
 * What a service's main.ts calls: settings from the environment, tracing, the operator's port, the
 * module, and a clean stop at SIGTERM or SIGINT. Ends the process with 1 if it cannot start.
 */
export async function runService(
  service: string,
  makeModule: (runtime: Runtime) => DynamicModule | Promise<DynamicModule>,
): Promise<void> {
  let logger: Logger | undefined;
  const stops: (() => Promise<void>)[] = [];
  try {
    // The one place in which a service reads the environment.
    const settings = readSettings(process.env);
    const runtime = createRuntime(service, settings);
    logger = runtime.logger;
    exitOnCrash(logger);
    logger.info({ settings: describeSettings(settings), node: process.version }, "starting");

    const tracing = await startTracing(service, settings);
    stops.unshift(() => tracing.stop());
    const ops = await listenOps(runtime, settings.opsPort ?? opsPorts[service] ?? 0);
    stops.unshift(() => ops.close());
    logger.info({ port: ops.port }, "operator's port open");
    // A signal during the start stops what has begun, which makes the start fail.
    stops.unshift(() => runtime.lifecycle.stop());
    stopOnSignal(logger, async () => {
      for (const stop of stops) await stop();
    });
    const hosted = await hostModule(runtime, await makeModule(runtime));
    stops.unshift(() => hosted.close());
    logger.info("started");
  } catch (error) {
    if (error instanceof SettingsError) process.stderr.write(`${service}: ${error.message}\n`);
    else if (logger) logger.fatal({ err: error }, "could not start");
    else process.stderr.write(`${service}: ${error instanceof Error ? error.stack : error}\n`);
    process.exit(1);
  }
}

/** At SIGTERM or SIGINT stops and ends the process: 0 after a clean stop, 1 if it takes over 30 s; a second signal ends it at once. */
function stopOnSignal(logger: Logger, stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(130);
    stopping = true;
    logger.info({ signal }, "stopping");
    setTimeout(() => {
      logger.fatal(`not stopped within ${STOP_MS} ms`);
      process.exit(1);
    }, STOP_MS).unref();
    stop().then(
      () => {
        logger.info("stopped");
        process.exit(0);
      },
      (err) => {
        logger.fatal({ err }, "stopping failed");
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

/** An error that nobody caught leaves the process in an unknown state: it is logged, and the process ends with 1. */
function exitOnCrash(logger: Logger): void {
  const crash = (kind: string) => (err: unknown) => {
    logger.fatal({ err: err instanceof Error ? err : new Error(String(err)) }, kind);
    process.exit(1);
  };
  process.on("uncaughtException", crash("uncaught exception"));
  process.on("unhandledRejection", crash("unhandled rejection"));
}
