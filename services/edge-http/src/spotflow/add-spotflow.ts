import type { FastifyInstance } from "fastify";
import { type PropertyRoutesParts, propertyRoutes } from "./properties/property-routes.js";
import { type DeviceRoutesParts, deviceRoutes } from "./provisioning/device-routes.js";
import { type OperatorRoutesParts, operatorRoutes } from "./provisioning/operator-routes.js";
import { prepare, type ServeOptions } from "./serve.js";

export type SpotflowParts = DeviceRoutesParts & OperatorRoutesParts & PropertyRoutesParts;

/** Puts the dialect's paths on the server. */
export async function addSpotflow(
  app: FastifyInstance,
  parts: SpotflowParts,
  options: ServeOptions,
): Promise<void> {
  await app.register(async (routes) => {
    prepare(routes, options);
    deviceRoutes(routes, parts, options);
    operatorRoutes(routes, parts, options);
    propertyRoutes(routes, parts, options);
  });
}
