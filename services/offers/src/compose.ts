import { connectLog, logOptions } from "@fieldlog/event-log";
import { need, type Runtime } from "@fieldlog/runtime";

/** Puts the service together; its parts start and stop in the order in which they stand here. */
export async function compose(runtime: Runtime): Promise<void> {
  const { logger, lifecycle, health } = runtime;
  const settings = need(runtime.settings, "natsUrl", "postgresUrl", "internalToken");

  const log = await connectLog(logOptions(settings, runtime.service, logger));

  lifecycle.add({ name: "log", stop: () => log.close() });

  health.add("log", () => log.ready());
}
