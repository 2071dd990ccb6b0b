import type { Edge, OwnWrites } from "@fieldlog/admission";
import { limits } from "@fieldlog/contracts";
import { type ObjectSettings, openObjects } from "@fieldlog/objects";
import { gauge, type Registry } from "@fieldlog/runtime";
import { SampleStore } from "@fieldlog/samples";
import type { FastifyInstance } from "fastify";
import { Projects } from "../studio/projects.js";
import { Ingestion } from "./ingestion.js";
import { Room } from "./room.js";
import { type IngestionRoutesOptions, ingestionRoutes } from "./routes.js";

export interface IngestionNeeds {
  readonly edge: Edge;
  readonly ownWrites: OwnWrites;
  readonly settings: ObjectSettings;
  readonly now: () => number;
}

type Serving = Pick<IngestionRoutesOptions, "counts" | "logger" | "stopping"> & {
  readonly metrics: Registry;
};

/** Puts the dialect's upload paths on the server. */
export async function addIngestion(
  app: FastifyInstance,
  { edge, ownWrites, settings, now }: IngestionNeeds,
  { metrics, ...serving }: Serving,
): Promise<void> {
  const { known, log, sampling, auth } = edge;
  const objects = openObjects(log.connection, settings);
  const store = new SampleStore({ sampling, objects, partBytes: limits.uploadPartBytes });
  const ingestion = new Ingestion({ known, store, ownWrites, now });
  const room = new Room(limits.acquisitionsBytes);
  const projects = new Projects({ known, auth, now });
  const underWay = { count: 0 };
  gauge(metrics, {
    name: "fieldlog_http_ingestions",
    help: "Uploads of training data that are under way.",
    collect() {
      this.set(underWay.count);
    },
  });
  await app.register(ingestionRoutes, { ...serving, ingestion, room, projects, underWay, now });
}
