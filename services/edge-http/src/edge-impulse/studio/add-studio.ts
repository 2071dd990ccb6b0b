import type { Edge, OwnWrites } from "@fieldlog/admission";
import { type ObjectSettings, openObjects } from "@fieldlog/objects";
import { RemoteDevices } from "@fieldlog/remote";
import type { FastifyInstance } from "fastify";
import { Projects } from "./projects.js";
import { type StudioRoutesOptions, studioRoutes } from "./routes.js";

export interface StudioNeeds {
  readonly edge: Edge;
  readonly ownWrites: OwnWrites;
  readonly settings: ObjectSettings;
  readonly now: () => number;
}

/** Puts the dialect's REST set on the server. */
export async function addStudio(
  app: FastifyInstance,
  { edge, ownWrites, settings, now }: StudioNeeds,
  options: Omit<StudioRoutesOptions, "parts" | "objects">,
): Promise<void> {
  const { known, log } = edge;
  const projects = new Projects({ known, auth: edge.auth, now });
  const remote = new RemoteDevices(log.connection);
  const objects = openObjects(log.connection, settings);
  const parts = { ...edge, ownWrites, projects, remote };
  await app.register(studioRoutes, { ...options, parts, objects });
}
