import type { Edge, EventPublishing, OwnWrites } from "@fieldlog/admission";
import type { Settings } from "@fieldlog/runtime";
import type { FastifyInstance } from "fastify";
import { Access } from "./access.js";
import { Activity } from "./activity.js";
import { handlesOf } from "./handles.js";
import { KnownClients } from "./known-clients.js";
import { type CredRoutesOptions, credRoutes } from "./routes.js";

export interface CredNeeds {
  readonly edge: Edge;
  readonly ownWrites: OwnWrites;
  readonly publishing: EventPublishing;
  readonly settings: Settings;
  readonly now: () => number;
}

/** Puts cred's paths on the server. What comes back is to be told of decisions. */
export async function addCred(
  app: FastifyInstance,
  { edge, ownWrites, publishing, settings, now }: CredNeeds,
  options: Omit<CredRoutesOptions, "handles" | "publicUrl">,
): Promise<Pick<KnownClients, "decided">> {
  const { log, known } = edge;
  const { credPingTimeoutS: pingTimeoutS, publicUrl } = settings;
  const clients = new KnownClients(edge);
  const handles = handlesOf({
    ...{ ...edge, ownWrites, publishing, settings, now, clients },
    access: new Access(known, now),
    activity: new Activity({ log, ownWrites, pingTimeoutS, now, logger: options.logger }),
  });
  await app.register(credRoutes, { ...options, handles, publicUrl: publicUrl?.replace(/\/+$/, "") });
  return clients;
}
