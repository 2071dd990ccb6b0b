import type { Edge, OwnWrites } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { type ObjectSettings, openObjects } from "@fieldlog/objects";
import { gauge, type Logger, type Registry } from "@fieldlog/runtime";
import type { FastifyInstance } from "fastify";
import type { RequestCounts } from "../http/request-counts.js";
import type { Access } from "../native/access.js";
import { downloadRoutes } from "./download-routes.js";
import { ProgressRecords } from "./progress.js";
import { Readings } from "./readings.js";
import { Resumable } from "./resumable.js";
import { Uploads } from "./uploads.js";
import { uploadsRoutes } from "./uploads-routes.js";

export interface UploadsAddedTo {
  readonly edge: Pick<Edge, "log" | "offers" | "known">;
  readonly ownWrites: OwnWrites;
  readonly access: Access;
  readonly settings: ObjectSettings;
  readonly now: () => number;
}

export interface UploadsServing {
  readonly metrics: Registry;
  readonly counts: RequestCounts;
  readonly logger: Pick<Logger, "error">;
  readonly stopping: () => boolean;
}

/** Puts upload URLs and the download by token on the door; returns what was uploaded, to be read again. */
export async function addUploads(
  fastify: FastifyInstance,
  { edge, ownWrites, access, settings, now }: UploadsAddedTo,
  serving: UploadsServing,
): Promise<Readings> {
  const objects = openObjects(edge.log.connection, settings);
  const records = await ProgressRecords.open(edge.log.connection, settings.replicas);
  const uploads = new Uploads({
    ...{ offers: edge.offers, objects, ownWrites, partBytes: limits.uploadPartBytes },
    isDisabled: async (namespace) => (await edge.known.namespaces.get(namespace))?.disabled === true,
  });
  const resumable = new Resumable({ uploads, records, objects });
  const underWay = { count: 0 };
  gauge(serving.metrics, {
    name: "fieldlog_http_uploads",
    help: "Uploads that are under way.",
    collect() {
      this.set(underWay.count);
    },
  });
  const uploading = { uploads, resumable, now, idleMs: limits.uploadIdleMs, underWay };
  await fastify.register(uploadsRoutes, { ...serving, ...uploading });
  const readings = new Readings({ offers: edge.offers, objects });
  await fastify.register(downloadRoutes, { ...serving, readings, access, known: edge.known });
  return readings;
}
