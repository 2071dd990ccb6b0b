import { nestLogger } from "@fieldlog/runtime";
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import type { FastifyInstance } from "fastify";
import { deviceBoundRoutes } from "./device-bound/device-bound-routes.js";
import { modelRoutes } from "./models/model-routes.js";
import { NativeModule } from "./native.module.js";
import type { NativeParts } from "./parts.js";
import { ProblemFilter } from "./problem.filter.js";
import { publishRoutes } from "./publish/publish-routes.js";
import { readingRoutes } from "./readings/reading-routes.js";
import { sampleRoutes } from "./samples/sample-routes.js";
import { snapshotRoutes } from "./snapshots/snapshot-routes.js";
import { streamDataRoutes } from "./streamgroups/stream-data-routes.js";
import { TraceInterceptor } from "./trace.interceptor.js";

/** Puts the native API's controllers on the server; returns what closes both. */
export async function addNative(app: FastifyInstance, parts: NativeParts): Promise<() => Promise<void>> {
  await app.register(publishRoutes, parts);
  await app.register(deviceBoundRoutes, parts);
  await app.register(readingRoutes, parts);
  await app.register(sampleRoutes, parts);
  await app.register(streamDataRoutes, parts);
  await app.register(modelRoutes, parts);
  await app.register(snapshotRoutes, parts);
  // The adapter's types are those of a server of its own making.
  const adapter = new FastifyAdapter(app as unknown as ConstructorParameters<typeof FastifyAdapter>[0]);
  const nest = await NestFactory.create(NativeModule.with(parts), adapter, {
    logger: nestLogger(parts.logger),
    // A signature is over the body as it came.
    rawBody: true,
    abortOnError: false,
  });
  nest.useGlobalFilters(new ProblemFilter(parts.logger));
  nest.useGlobalInterceptors(new TraceInterceptor());
  await nest.init();
  await app.ready();
  return () => nest.close();
}
