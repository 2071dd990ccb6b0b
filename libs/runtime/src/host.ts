import "reflect-metadata";
import type { DynamicModule } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { nestLogger } from "./logger.js";
import type { Runtime } from "./runtime.js";

export interface Hosted {
  /** Stops the lifecycle's parts in reverse order, then closes the Nest context. Never throws. */
  close(): Promise<void>;
}

/**
 * Makes a service run: its module becomes a Nest application context, then the parts that it added to
 * `runtime.lifecycle` start. A service that listens with a Nest application of its own (edge-http)
 * makes, listens and closes that in a lifecycle part. Throws what the module or a part threw, after
 * stopping what had begun.
 */
export async function hostModule(runtime: Runtime, module: DynamicModule): Promise<Hosted> {
  const app = await NestFactory.createApplicationContext(module, {
    logger: nestLogger(runtime.logger),
    abortOnError: false,
  });
  const close = async () => {
    await runtime.lifecycle.stop();
    await app.close().catch((err) => runtime.logger.error({ err }, "Nest did not close cleanly"));
  };
  try {
    await runtime.lifecycle.start();
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}
