import type { Known } from "@fieldlog/admission";
import type { PublicBase } from "@fieldlog/runtime";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { bodyOf, type ServeOptions, serve } from "../serve.js";
import { connectedDevice } from "./connected.js";
import { Begin, CONTAINER, Done, fileOperations as own } from "./file-operations.js";
import type { FileUploads } from "./file-uploads.js";
import { receiveRoute } from "./receive-route.js";

export interface FileRoutesParts {
  readonly files: FileUploads;
  readonly known: Pick<Known, "connections" | "namespaces">;
  readonly publicBase: PublicBase;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

type OfDevice = FastifyRequest<{ Params: { id: string } }>;

/** The upload of a payload that is too large for a message, in three steps: section B4. */
export function fileRoutes(app: FastifyInstance, parts: FileRoutesParts, options: ServeOptions): void {
  const { files, known, publicBase, now } = parts;
  serve(app, options, own.begin, async (request, reply) => {
    const { namespace, device } = await connectedDevice(known, request as OfDevice, now());
    const { blobName } = bodyOf(Begin, request);
    const token = await files.begin(namespace, device, blobName);
    void reply.header("cache-control", "no-store");
    const hostName = new URL(publicBase(request.raw)).host;
    return {
      ...{ correlationId: blobName, hostName, containerName: CONTAINER, blobName },
      sasToken: `?sig=${token}`,
    };
  });
  receiveRoute(app, { files, now }, options);
  serve(app, options, own.end, async (request) => {
    await connectedDevice(known, request as OfDevice, now());
    bodyOf(Done, request);
    return undefined;
  });
}
