import type { streams } from "@fieldlog/contracts";
import type { Objects } from "@fieldlog/objects";
import type { RpcClient } from "@fieldlog/rpc";
import type { FastifyInstance } from "fastify";
import { type DeviceBoundRoutesParts, deviceBoundRoutes } from "./device-bound/device-bound-routes.js";
import { type FileRoutesParts, fileRoutes } from "./files/file-routes.js";
import { FileUploads } from "./files/file-uploads.js";
import { type PropertyRoutesParts, propertyRoutes } from "./properties/property-routes.js";
import { type DeviceRoutesParts, deviceRoutes } from "./provisioning/device-routes.js";
import { type OperatorRoutesParts, operatorRoutes } from "./provisioning/operator-routes.js";
import { type RemoteAccessRoutesParts, remoteAccessRoutes } from "./remote-access/remote-access-routes.js";
import { prepare, type ServeOptions } from "./serve.js";
import { type StorageRoutesParts, storageRoutes } from "./streams/storage-routes.js";
import { type StreamRoutesParts, streamRoutes } from "./streams/stream-routes.js";

export type SpotflowParts = DeviceRoutesParts &
  OperatorRoutesParts &
  PropertyRoutesParts &
  RemoteAccessRoutesParts &
  Omit<FileRoutesParts, "files"> &
  DeviceBoundRoutesParts &
  StreamRoutesParts &
  StorageRoutesParts & {
    readonly streams: RpcClient<typeof streams.StreamsService>;
    readonly objects: Objects;
  };

/** Puts the dialect's paths on the server. */
export async function addSpotflow(
  app: FastifyInstance,
  parts: SpotflowParts,
  options: ServeOptions,
): Promise<void> {
  await app.register(async (routes) => {
    prepare(routes, options);
    fileRoutes(routes, { ...parts, files: new FileUploads(parts) }, options);
    deviceRoutes(routes, parts, options);
    operatorRoutes(routes, parts, options);
    propertyRoutes(routes, parts, options);
    remoteAccessRoutes(routes, parts, options);
    streamRoutes(routes, parts, options);
    storageRoutes(routes, parts, options);
  });
  await app.register(async (routes) => {
    deviceBoundRoutes(routes, parts, options);
  });
}
