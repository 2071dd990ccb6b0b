import type { Known } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import type { PublicBase } from "../../http/public-base.js";
import { bodyOf, type ServeOptions, serve } from "../serve.js";
import { connectedDevice } from "./connected.js";
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

const Begin = z.object({ blobName: z.string().regex(/^[A-Za-z0-9_.-]{1,100}$/) });
const Done = z.object({
  correlationId: z.string().max(limits.idLength),
  isSuccess: z.boolean().optional(),
  statusCode: z.number().optional(),
  statusDescription: z.string().max(1_000).optional(),
});

/** In the place of a container of the original's storage: where the payload is sent to. */
const CONTAINER = "stream-uploads";

/** The upload of a payload that is too large for a message, in three steps: section B4. */
export function fileRoutes(app: FastifyInstance, parts: FileRoutesParts, options: ServeOptions): void {
  const { files, known, publicBase } = parts;
  serve(
    app,
    options,
    { method: "POST", url: "/devices/:id/files", name: "begin file" },
    async (request, reply) => {
      const { namespace, device } = await connectedDevice(known, request as OfDevice);
      const { blobName } = bodyOf(Begin, request);
      const token = await files.begin(namespace, device, blobName);
      void reply.header("cache-control", "no-store");
      const hostName = new URL(publicBase(request.raw)).host;
      return {
        ...{ correlationId: blobName, hostName, containerName: CONTAINER, blobName },
        sasToken: `?sig=${token}`,
      };
    },
  );
  receiveRoute(app, { url: `/${CONTAINER}/:blob`, files, now: parts.now }, options);
  serve(
    app,
    options,
    { method: "POST", url: "/devices/:id/files/notifications", name: "end file" },
    async (request) => {
      await connectedDevice(known, request as OfDevice);
      bodyOf(Done, request);
      return undefined;
    },
  );
}
