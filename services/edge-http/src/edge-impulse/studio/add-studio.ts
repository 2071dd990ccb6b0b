import type { Edge, OwnWrites } from "@fieldlog/admission";
import { RemoteDevices } from "@fieldlog/remote";
import type { FastifyInstance } from "fastify";
import { Projects } from "./projects.js";
import { type StudioRoutesOptions, studioRoutes } from "./routes.js";

export interface StudioNeeds {
  readonly edge: Edge;
  readonly ownWrites: OwnWrites;
  readonly now: () => number;
}

/** Puts the dialect's REST set on the server. */
export async function addStudio(
  app: FastifyInstance,
  { edge, ownWrites, now }: StudioNeeds,
  options: Omit<StudioRoutesOptions, "parts">,
): Promise<void> {
  const { known, log } = edge;
  const projects = new Projects({ known, auth: edge.auth, now });
  const remote = new RemoteDevices(log.connection);
  await app.register(studioRoutes, { ...options, parts: { ...edge, ownWrites, projects, remote } });
}
