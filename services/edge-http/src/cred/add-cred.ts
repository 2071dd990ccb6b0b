import type { FastifyInstance } from "fastify";
import { Clients } from "./clients.js";
import type { CredParts } from "./parts.js";
import { type CredRoutesOptions, credRoutes } from "./routes.js";
import { Sessions } from "./sessions.js";

/** Puts cred's paths on the server. */
export async function addCred(
  app: FastifyInstance,
  parts: CredParts,
  options: Omit<CredRoutesOptions, "cred">,
): Promise<void> {
  const cred = { ...parts, sessions: new Sessions(parts), clients: new Clients(parts) };
  await app.register(credRoutes, { ...options, cred });
}
